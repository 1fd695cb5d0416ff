"""What a debugger shows of a tensor. Both gdb_gradus.py and lldb_gradus.py fill in a Node and use
the functions below, so that the two debuggers print the same text."""

import array
import itertools
import math
import os

# Functions that `step` does not go into: the standard library, and what only looks something up or
# makes room. A breakpoint still stops there.
# Each follows what may stand before a name, such as its return type.
SKIPPED = ["^([^(<]*[^(<:A-Za-z0-9_])?" + names for names in (  # no blanks: gdb would end there
    "(std|__gnu_cxx)::",
    "gradus::(Shared<[^>]*>|Shape|Axis|Buffer|Operand)::",
    "gradus::Tensor::(Tensor|~Tensor|operator|checked|shape|rank|size|values|data|at|mutable_"
    "|exists|where|grad|has_grad|requires_grad|node)",
    "gradus::(here|result_of|gradient_for|check_exists|checked_axis|wants_grad|watched"
    "|kernels::.anonymous.namespace.::grain)")]

HELP = {
    "tensor": "tensor X: the tensor X with all its values; print X cuts large ones.",
    "graph": "graph X: the tree of operations that made X, each with its shape and line.\n"
             "A tensor met a second time has the number of the first and is not opened again.",
    "heat": "heat X: X as a picture, each value a shade between the smallest and the largest.",
    "backward-step":
        "backward-step: goes on until the next operation is about to be differentiated,\n"
        "and shows it, its inputs and the gradient that comes in. Then step goes into\n"
        "its backward(). Every such operation is a call of gradus::backward_step: break\n"
        "there to stop by yourself.",
}


class Problem(Exception):
    """What is said instead of a tensor; one line."""


class Node:
    """A point of the graph, as read from the memory of the program. What may be large is read when
    it is asked for."""

    def __init__(self, address, shape, operation, label, where):
        self.address = address      # tells one node from another
        self.shape = shape          # [2, 3]
        self.operation = operation  # "matmul"
        self.label = label          # "query", or ""
        self.where = where          # "lessons/01_attention.cpp:88"
        self.read_values = None     # a function: an array of the values, row by row
        self.read_gradient = None   # a function: a Node; or None
        self.inputs = []            # functions that read a Node

    def values(self):
        if not hasattr(self, "known"):
            self.known = self.read_values()
        return self.known

# So much debuggers write before a tensor, such as "$12 = (const gradus::Tensor &) @0x7fffffffd698: ".
BEFORE = 50


def check(rank, sizes, count, owners):
    """Memory that holds no tensor yet seldom looks like one. Problem if it does not."""
    if not 0 <= rank <= len(sizes) or owners < 1 or math.prod(sizes[:rank]) != count or count < 1:
        raise Problem(NOT_YET)


NOT_YET = "this tensor is not there yet: its line has not run"
EMPTY = "no tensor: nothing was assigned yet, or, for a gradient, backward() has not come by"


def to_array(memory, size_of_scalar):
    return array.array("f" if size_of_scalar == 4 else "d", bytes(memory))


def buffer(values, most=12):
    """What an operation keeps beside tensors: numbers without a shape."""
    shown = " ".join("%.4f" % v for v in values[:most])
    return "%d values: %s%s" % (len(values), shown, " ..." if len(values) > most else "")


def fitted(lines, before=0):
    """Lines for a terminal of 80 columns, cut between words; `before` columns are in front."""
    result = []
    for line in lines:
        indent = len(line) - len(line.lstrip()) + 4
        while len(line) + before > 80:
            gaps = [line.rfind(gap, indent, 81 - before) for gap in (" at ", "  ", " ")]
            end = max(gaps[:2] if max(gaps[:2]) > 0 else gaps[2:] + [0])
            if end == 0 and before == 0:
                break
            result.append(line[:end].rstrip())
            line, before = " " * indent + line[end:].lstrip(), 0
        result.append(line)
        before = 0
    return "\n".join(result)


def title(node):
    name = '"%s" ' % node.label if node.label else ""
    return "%s%s %s at %s" % (name, node.operation, node.shape, node.where)


def sample(values, most=250000):
    """All values, or so many at equal distances that this takes no time; and which."""
    step = 1 if len(values) <= most else len(values) // most | 1  # odd: not always one column
    return values[::step], "" if step == 1 else "  (of one value in %d)" % step


def number(largest):
    """A format for numbers up to this size."""
    return "%.4f" if largest == 0 or 0.01 <= largest < 100000 else "%.3e"


def statistics(node):
    everything = node.values()
    values, which = sample(everything)
    bad = 0
    if not math.isfinite(sum(everything)):
        bad = len(everything) - sum(map(math.isfinite, everything))
        values = [v for v in values if math.isfinite(v)]
    text = "no finite value"
    if values:
        mean = sum(values) / len(values)
        deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))
        text = "min %N  max %N  mean %N  deviation %N".replace("%N", format_of(node)) % (
            min(values), max(values), mean, deviation)
    return text + which + ("  NaN OR INFINITE: %d" % bad if bad else "")


def format_of(node):
    values = sample(node.values())[0]
    return number(max((abs(v) for v in values if math.isfinite(v)), default=0))


def cut(count, most):
    """The positions to show of `count`; None stands for a gap."""
    if most is None or count <= most:
        return list(range(count))
    half = most // 2
    return list(range(most - half)) + [None] + list(range(count - half, count))


def matrices(node, most):
    """The last two axes are a matrix; yields the position of each, such as "[0, 3]" ("" if there is
    but one), and where it starts among the values. At most `most` of them, then "[...]", None."""
    outer = node.shape[:-2]
    size = math.prod(node.shape[-2:])
    for i, position in enumerate(itertools.product(*map(range, outer))):
        if i == most:
            yield "[...]", None
            return
        yield str(list(position)) if outer else "", i * size


def rows_and_columns(node):
    padded = [1, 1] + node.shape
    return padded[-2], padded[-1]


def matrix(node, start, most, form):
    values = node.values()
    rows, columns = rows_and_columns(node)
    lines = [["..." if r is None or c is None else form % values[start + r * columns + c]
              for c in cut(columns, most)] for r in cut(rows, most)]
    width = max(len(cell) for line in lines for cell in line)
    return ["  " + " ".join(cell.rjust(width) for cell in line) for line in lines]


def text(node, most=8, before=0):
    """Title, statistics and values; at most `most` rows and columns, all of them if None. `before`
    is how much of the first line is taken."""
    lines = [title(node), "  " + statistics(node)]
    form = format_of(node)
    for position, start in matrices(node, most and 4):
        if position:
            lines.append("  " + position)
        if start is not None:
            lines += matrix(node, start, most, form)
    if node.read_gradient:
        lines.append("  has a gradient: " + statistics(node.read_gradient()))
    return fitted(lines, before)


def graph(node, most=200, deepest=10):
    """The tree of what made a tensor; a node met before is not opened again. Below the deepest
    indentation a number says how deep it would be."""
    lines, seen, stack = [], {}, [(node, 0)]
    while stack:
        if len(lines) == most:
            lines.append("... (more than %d lines)" % most)
            break
        current, depth = stack.pop()
        known = current.address in seen
        seen.setdefault(current.address, len(seen) + 1)
        indent = "  " * min(depth, deepest) + ("(%d) " % depth if depth > deepest else "")
        lines.append("%s#%d %s%s" % (indent, seen[current.address], title(current),
                                     "  (see above)" if known and current.inputs else ""))
        if not known:
            stack.extend((read(), depth + 1) for read in reversed(current.inputs))
    return fitted(lines)


def spread(count, most):
    """At most `most` of the positions 0 ... count-1, at equal distances."""
    step = -(-count // most)
    return range(0, count, step), step


def heat(node, colour=None, most=38):
    """Matrices as shades from the smallest value to the largest; of large ones some rows and
    columns."""
    if colour is None:
        colour = os.isatty(1) and os.environ.get("TERM") != "dumb"
    values = node.values()
    good = [v for v in sample(values)[0] if math.isfinite(v)]
    low, high = (min(good), max(good)) if good else (0, 1)
    shades = " .:-=+*#%@"

    def cell(v):
        if not math.isfinite(v):
            return "!!"
        share = min(max((v - low) / (high - low), 0), 1) if high > low else 0
        if colour:  # the grey steps of the 256 colours
            return "\x1b[48;5;%dm  \x1b[0m" % (232 + round(share * 23))
        return shades[round(share * (len(shades) - 1))] * 2

    form = format_of(node)
    ends = "  from %s%s to %s%s" % (form, "" if colour else " ' '", form, "" if colour else " '@'")
    lines = [fitted([title(node)]), ends % (low, high)]
    rows, columns = rows_and_columns(node)
    (some_rows, row_step), (some_columns, column_step) = spread(rows, most), spread(columns, most)
    if row_step > 1 or column_step > 1:
        lines.append("  1 of %d rows, 1 of %d columns" % (row_step, column_step))
    for position, start in matrices(node, 4):
        if position:
            lines.append("  " + position)
        for r in some_rows if start is not None else ():
            row = start + r * columns
            lines.append("  |" + "".join(cell(values[row + c]) for c in some_columns) + "|")
    return "\n".join(lines)


def backward(node):
    """What the next step of backward() is about to differentiate."""
    lines = ["backward of " + title(node)]
    for i, read in enumerate(node.inputs):
        lines.append("values of input %d: " % i)
        lines[-1] += text(read(), 6, len(lines[-1]))
    if node.read_gradient:
        lines.append("the gradient that comes in: ")
        lines[-1] += text(node.read_gradient(), 6, len(lines[-1]))
    return "\n".join([fitted(lines[:1])] + lines[1:])
