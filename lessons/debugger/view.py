"""What a debugger shows of a tensor. Both gdb_gradus.py and lldb_gradus.py fill in a Node and use
the functions below, so that the two debuggers print the same text."""

import math
import sys


class Node:
    """A point of the graph, as read from the memory of the program."""

    def __init__(self, address, shape, values, operation, label, where):
        self.address = address      # tells one node from another
        self.shape = shape          # [2, 3]
        self.values = values        # a list of float, row by row
        self.operation = operation  # "matmul"
        self.label = label          # "query", or ""
        self.where = where          # "lessons/01_attention.cpp:88"
        self.gradient = None        # a Node, or None
        self.inputs = []            # functions that read a Node: graphs are large


def title(node):
    name = '"%s" ' % node.label if node.label else ""
    return "%s%s %s at %s" % (name, node.operation, node.shape, node.where)


def statistics(values):
    good = [v for v in values if math.isfinite(v)]
    bad = len(values) - len(good)
    text = "no finite value"
    if good:
        mean = sum(good) / len(good)
        deviation = math.sqrt(sum((v - mean) ** 2 for v in good) / len(good))
        text = "min %.4f  max %.4f  mean %.4f  deviation %.4f" % (
            min(good), max(good), mean, deviation)
    return text + ("  NaN OR INFINITE: %d" % bad if bad else "")


def cut(count, most):
    """The positions to show of `count`; None stands for a gap."""
    if most is None or count <= most:
        return list(range(count))
    half = most // 2
    return list(range(most - half)) + [None] + list(range(count - half, count))


def matrix(values, rows, columns, most):
    lines = []
    for r in cut(rows, most):
        cells = ["..." if r is None or c is None else "%.4f" % values[r * columns + c]
                 for c in cut(columns, most)]
        lines.append(cells)
    width = max(len(cell) for line in lines for cell in line)
    return "\n".join("  " + " ".join(cell.rjust(width) for cell in line) for line in lines)


def matrices(node):
    """The last two axes are a matrix; yields each with its number, or None if there is but one."""
    columns = node.shape[-1] if node.shape else 1
    rows = node.shape[-2] if len(node.shape) > 1 else 1
    size = rows * columns
    count = len(node.values) // size
    for number in range(count):
        yield (number if count > 1 else None), node.values[number * size:(number + 1) * size], rows, columns


def text(node, most=8):
    """Title, statistics and values; at most `most` rows and columns, all of them if None."""
    lines = [title(node), "  " + statistics(node.values)]
    for number, values, rows, columns in matrices(node):
        if most is not None and number is not None and number >= 4:
            lines.append("  [...]")
            break
        if number is not None:
            lines.append("  [%d]" % number)
        lines.append(matrix(values, rows, columns, most))
    if node.gradient:
        lines.append("  has a gradient: " + statistics(node.gradient.values))
    return "\n".join(lines)


def graph(node, most=200):
    """The tree of what made a tensor, one line each; a node met before is not opened again."""
    lines, seen, stack = [], {}, [(node, 0)]
    while stack:
        if len(lines) == most:
            lines.append("... (more than %d lines)" % most)
            break
        current, depth = stack.pop()
        known = current.address in seen
        seen.setdefault(current.address, len(seen) + 1)
        lines.append("%s#%d %s%s" % ("  " * depth, seen[current.address], title(current),
                                     "  (see above)" if known and current.inputs else ""))
        if not known:
            stack.extend((read(), depth + 1) for read in reversed(current.inputs))
    return "\n".join(lines)


def heat(node, colour=None):
    """Matrices as shades from the smallest value to the largest."""
    if colour is None:
        colour = sys.stdout.isatty()
    good = [v for v in node.values if math.isfinite(v)]
    low, high = (min(good), max(good)) if good else (0, 1)
    shades = " .:-=+*#%@"

    def cell(v):
        if not math.isfinite(v):
            return "!!"
        share = (v - low) / (high - low) if high > low else 0
        if colour:  # the grey steps of the 256 colours
            return "\x1b[48;5;%dm  \x1b[0m" % (232 + round(share * 23))
        return shades[round(share * (len(shades) - 1))] * 2

    lines = [title(node), "  from %.4f%s to %.4f%s" % (low, "" if colour else " ' '", high,
                                                        "" if colour else " '@'")]
    for number, values, rows, columns in matrices(node):
        if number is not None:
            lines.append("  [%d]" % number)
        for r in range(rows):
            lines.append("  |" + "".join(cell(v) for v in values[r * columns:(r + 1) * columns]) + "|")
    return "\n".join(lines)


def backward(node):
    """What the next step of backward() is about to differentiate."""
    lines = ["backward of " + title(node)]
    for number, read in enumerate(node.inputs):
        lines.append("input %d: %s" % (number, text(read(), 6)))
    if node.gradient:
        lines.append("the gradient that comes in: " + text(node.gradient, 6))
    return "\n".join(lines)
