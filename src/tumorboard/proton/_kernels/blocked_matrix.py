"""Products with a sparse matrix whose rows are in blocks and whose columns are compressed in each block.

A block has at most 65536 rows, so 16 bits tell its rows apart, and its part of a vector fits into a core's
cache. Whoever works on a block is the only one who writes its rows, so sums do not depend on who that is.
Values may be integers: each column has a factor that makes them dose.
"""

from numba import njit


@njit(cache=True, nogil=True)
def count_entries(column_starts, voxels, row_of_voxel, block_of_row, first, last, counts):
    """Count the entries of each block in columns ``first`` to ``last``: ``counts[block, column]``."""
    for column in range(first, last):
        for entry in range(column_starts[column], column_starts[column + 1]):
            row = row_of_voxel[voxels[entry]]
            if row >= 0:
                counts[block_of_row[row], column] += 1


@njit(cache=True, nogil=True)
def count_rows(voxels, row_of_voxel, counts):
    """Count the entries of each row."""
    for entry in range(voxels.size):
        row = row_of_voxel[voxels[entry]]
        if row >= 0:
            counts[row] += 1


@njit(cache=True, nogil=True)
def fill_rows(
    column_starts, voxels, row_of_voxel, block_of_row, block_rows, starts, first, last, place, rows
):
    """Write the row within its block of each entry; ``place`` is scratch, one number a block."""
    for column in range(first, last):
        for block in range(place.size):
            place[block] = starts[block, column]
        for entry in range(column_starts[column], column_starts[column + 1]):
            row = row_of_voxel[voxels[entry]]
            if row >= 0:
                block = block_of_row[row]
                rows[place[block]] = row - block_rows[block]
                place[block] += 1


@njit(cache=True, nogil=True)
def fill_values(
    column_starts, voxels, row_of_voxel, block_of_row, given, factors, starts, first, last, place, values
):
    """Write each entry divided by its column's factor, rounded where ``values`` are integers."""
    for column in range(first, last):
        for block in range(place.size):
            place[block] = starts[block, column]
        per_factor = 1.0 / factors[column] if factors[column] > 0.0 else 0.0
        for entry in range(column_starts[column], column_starts[column + 1]):
            row = row_of_voxel[voxels[entry]]
            if row >= 0:
                block = block_of_row[row]
                values[place[block]] = given[entry] * per_factor
                place[block] += 1


@njit(cache=True, nogil=True)
def fill_rounded(
    column_starts, voxels, row_of_voxel, block_of_row, given, factors, starts, first, last, place, values
):
    """Write each entry divided by its column's factor as the nearest whole number."""
    for column in range(first, last):
        for block in range(place.size):
            place[block] = starts[block, column]
        per_factor = 1.0 / factors[column] if factors[column] > 0.0 else 0.0
        for entry in range(column_starts[column], column_starts[column + 1]):
            row = row_of_voxel[voxels[entry]]
            if row >= 0:
                block = block_of_row[row]
                values[place[block]] = int(given[entry] * per_factor + 0.5)
                place[block] += 1


@njit(cache=True, nogil=True)
def multiply(starts, rows, values, factors, block_rows, weights, first, last, product):
    """Write ``matrix @ weights`` for the rows of blocks ``first`` to ``last``."""
    for block in range(first, last):
        low = block_rows[block]
        part = product[low : block_rows[block + 1]]
        part[:] = 0.0
        for column in range(weights.size):
            weight = weights[column] * factors[column]
            if weight != 0.0:
                for entry in range(starts[block, column], starts[block, column + 1]):
                    part[rows[entry]] += values[entry] * weight


@njit(cache=True, nogil=True)
def multiply_transposed(starts, rows, values, factors, block_rows, vector, first, last, products):
    """Write each block's part of ``matrix.T @ vector`` to its row of ``products``."""
    for block in range(first, last):
        part = vector[block_rows[block] : block_rows[block + 1]]
        for column in range(factors.size):
            begin, end = starts[block, column], starts[block, column + 1]
            # Four sums, since one would wait for itself at each addition.
            a = b = c = d = 0.0
            whole = begin + (end - begin) // 4 * 4
            for entry in range(begin, whole, 4):
                a += values[entry] * part[rows[entry]]
                b += values[entry + 1] * part[rows[entry + 1]]
                c += values[entry + 2] * part[rows[entry + 2]]
                d += values[entry + 3] * part[rows[entry + 3]]
            for entry in range(whole, end):
                a += values[entry] * part[rows[entry]]
            products[block, column] = ((a + b) + (c + d)) * factors[column]


@njit(cache=True, nogil=True)
def square_transposed(starts, rows, values, factors, block_rows, vector, first, last, products):
    """Write each block's part of ``(matrix * matrix).T @ vector`` to its row of ``products``."""
    for block in range(first, last):
        part = vector[block_rows[block] : block_rows[block + 1]]
        for column in range(factors.size):
            total = 0.0
            for entry in range(starts[block, column], starts[block, column + 1]):
                value = values[entry] * factors[column]
                total += value * value * part[rows[entry]]
            products[block, column] = total


@njit(cache=True, nogil=True)
def mark_reached(voxels, values, reached):
    """Set ``reached`` for each voxel with an entry above 0."""
    for entry in range(voxels.size):
        if values[entry] > 0.0:
            reached[voxels[entry]] = True


@njit(cache=True, nogil=True)
def count_chosen(starts, rows, block_rows, place_of_row, first, last, counts):
    """Count the entries of each block and column in the rows that have a place (>= 0)."""
    for block in range(first, last):
        for column in range(counts.shape[1]):
            for entry in range(starts[block, column], starts[block, column + 1]):
                if place_of_row[block_rows[block] + rows[entry]] >= 0:
                    counts[block, column] += 1


@njit(cache=True, nogil=True)
def copy_chosen(
    starts,
    rows,
    values,
    block_rows,
    place_of_row,
    new_starts,
    new_block_rows,
    first,
    last,
    new_rows,
    new_values,
):
    """Write those entries, and their rows within the blocks of the rows chosen."""
    for block in range(first, last):
        for column in range(starts.shape[1] - 1):
            k = new_starts[block, column]
            for entry in range(starts[block, column], starts[block, column + 1]):
                place = place_of_row[block_rows[block] + rows[entry]]
                if place >= 0:
                    new_rows[k] = place - new_block_rows[block]
                    new_values[k] = values[entry]
                    k += 1
