"""From a folder to a tumour-board report."""
