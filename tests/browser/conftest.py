"""A headless browser that may reach nothing but this machine, and a page server with a strict policy."""

import functools
import http.server
import json
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM, CHROMEDRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    # WebGL 2 in software, since test machines have no graphics unit.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    # A page that still scrolls smoothly moves what a test is about to click.
    "--force-prefers-reduced-motion",
    "--window-size=1440,1200",
)


@pytest.fixture(scope="session")
def viewer_bundle():
    """Skip where the viewer was not built: it is made when the package is installed."""
    import tumorboard.plotting.page as page
    from tumorboard.errors import MissingData

    try:
        page._viewer_bundle()
    except MissingData as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def start_browser(tmp_path_factory):
    """Context manager that starts a browser with an empty profile, with further flags."""
    for program in (CHROMIUM, CHROMEDRIVER):
        if not program.is_file():
            pytest.skip(f"{program} not found; install Debian's packages chromium and chromium-driver")
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    @contextmanager
    def start(*further_flags):
        profile = tmp_path_factory.mktemp("profile")
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for flag in (*FLAGS, f"--user-data-dir={profile}", *further_flags):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(str(CHROMEDRIVER)))
        driver.set_script_timeout(150)
        try:
            yield driver
        finally:
            driver.quit()
            shutil.rmtree(profile, ignore_errors=True)

    return start


@pytest.fixture
def browser(start_browser):
    with start_browser() as driver:
        yield driver


@pytest.fixture
def serve(tmp_path):
    """Serve ``tmp_path`` on this machine with a Content-Security-Policy header; return its address."""
    servers = []

    def start(policy):
        class Handler(http.server.SimpleHTTPRequestHandler):
            def end_headers(self):
                self.send_header("Content-Security-Policy", policy)
                super().end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Handler, directory=str(tmp_path))
        )
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def requested():
    """Return the addresses that a browser's page asked for, without those inside the browser."""

    def addresses(driver):
        events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
        sent = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
        # The browser's own first tab is not the page's doing.
        urls = [
            p["request"]["url"]
            for p in sent
            if not p.get("documentURL", "").startswith(("chrome:", "chrome-untrusted:"))
        ]
        return [url for url in urls if not url.startswith(("data:", "blob:", "chrome:", "chrome-untrusted:"))]

    return addresses
