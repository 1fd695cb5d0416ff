"""gdb for Gradus: `print x` shows a tensor, and there are commands for more.

    tensor x        all values                    graph loss       what made it, with lines
    heat weights    a picture in the terminal     backward-step    go to the next gradient

`make debug-NN` loads this; by hand: gdb -x lessons/debugger/gdb_gradus.py PROGRAM
`help backward-step` and the like say more; `info skip` lists what `step` passes over.
"""

import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import view


def node_of(tensor):
    return tensor["node_"]["object_"]


def elements(span, member):
    """That member of every element of a std::span, of libstdc++ or libc++."""
    try:
        first, count = span["_M_ptr"], span["_M_extent"]["_M_extent_value"]
    except gdb.error:
        first, count = span["__data_"], span["__size_"]
    return [first[i][member] for i in range(int(count))]


def read_node(pointer):
    """A view.Node of a gradus::Node *."""
    node = pointer.cast(gdb.lookup_type("gradus::Node").pointer()).dereference()
    block = node["values"]["block_"]["object_"]
    rank, count = int(node["shape"]["rank_"]), int(block["size"])
    first, last = node["shape"]["sizes_"].type.range()
    sizes = [int(node["shape"]["sizes_"][i]) for i in range(first, last + 1)]
    view.check(rank, sizes, count, int(block["owners"]))
    where = "%s:%d" % (node["where"]["file"].string(), int(node["where"]["line"]))
    result = view.Node(int(pointer), sizes[:rank], node["operation"].string(),
                       node["label"].string(), where)
    scalar = gdb.lookup_type("gradus::Scalar").sizeof
    result.read_values = lambda: view.to_array(
        gdb.selected_inferior().read_memory(int(block + 1), count * scalar), scalar)
    gradient = node_of(node["gradient"])
    if int(gradient):
        result.read_gradient = lambda: read_node(gradient)
    made_by = node["made_by"]["object_"]
    if int(made_by):
        for below in map(node_of, elements(made_by["inputs"], "tensor")):
            result.inputs.append(lambda below=below: read_node(below))
    return result


def check_declared(value):
    """view.Problem if `value` is a variable of this function whose line is still to come."""
    try:
        frame = gdb.selected_frame()
        block, line = frame.block(), frame.find_sal().line
    except (gdb.error, RuntimeError):
        return  # no program, or no names here
    while block and not block.is_static and not block.is_global:
        for symbol in block:
            if symbol.is_variable and symbol.line >= line and symbol.needs_frame:
                if symbol.value(frame).address == value.address:
                    raise view.Problem(view.NOT_YET)
        block = block.superblock


def is_a(value, name):
    return str(value.type.strip_typedefs().unqualified()) == name


def read_tensor(value):
    try:
        if value.type.code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_PTR):
            value = value.referenced_value()
        if not is_a(value, "gradus::Tensor"):
            raise view.Problem("a gradus::Tensor is needed, not a " + str(value.type))
        check_declared(value)
        if not int(node_of(value)):
            raise view.Problem(view.EMPTY)
        return read_node(node_of(value))
    except (gdb.MemoryError, UnicodeDecodeError):
        raise view.Problem(view.NOT_YET)


class Printer:
    def __init__(self, to_string):
        self.to_string = to_string


def tensor_text(value):
    try:
        return view.text(read_tensor(value), before=view.BEFORE)
    except (view.Problem, gdb.error) as problem:
        return view.fitted(["<%s>" % problem], view.BEFORE)


def shape_text(value):
    return str([int(value["sizes_"][i]) for i in range(int(value["rank_"]))])


def buffer_text(value):
    block = value["block_"]["object_"]
    count, scalar = int(block["size"]) if int(block) else 0, gdb.lookup_type("gradus::Scalar").sizeof
    memory = gdb.selected_inferior().read_memory(int(block + 1), count * scalar) if count else b""
    return view.buffer(view.to_array(memory, scalar))


def printer_of(value):
    if is_a(value, "gradus::Buffer"):
        return Printer(lambda: buffer_text(value))
    if is_a(value, "gradus::Tensor"):
        return Printer(lambda: tensor_text(value))
    if is_a(value, "gradus::Shape"):
        return Printer(lambda: shape_text(value))
    return None


class Command(gdb.Command):
    def __init__(self, name, kind, run):
        self.__doc__ = view.HELP[name]
        super().__init__(name, kind, gdb.COMPLETE_EXPRESSION)
        self.run = run

    def invoke(self, argument, from_tty):
        try:
            print(self.run(argument))
        except (view.Problem, gdb.error) as problem:
            raise gdb.GdbError(str(problem))  # one line, where others would be followed by a trace


def shown_by(how):
    def run(argument):
        if not argument:
            raise view.Problem("which tensor?")
        return how(read_tensor(gdb.parse_and_eval(argument)))
    return run


def backward_step(_):
    gdb.execute("tbreak gradus::backward_step", to_string=True)  # an ordinary one: editors see it
    place = gdb.breakpoints()[-1]
    try:
        gdb.execute("continue", to_string=True)
    finally:
        if place.is_valid():
            place.delete()
    try:
        frame = gdb.selected_frame()
    except gdb.error:
        return "the program has ended: there was no further backward step"
    if (frame.name() or "").startswith("gradus::backward_step"):
        return view.backward(read_tensor(frame.read_var("out")))
    return "(stopped there, before the next backward step)"


gdb.pretty_printers.append(printer_of)
Command("tensor", gdb.COMMAND_DATA, shown_by(lambda node: view.text(node, None)))
Command("graph", gdb.COMMAND_DATA, shown_by(view.graph))
Command("heat", gdb.COMMAND_DATA, shown_by(view.heat))
Command("backward-step", gdb.COMMAND_RUNNING, backward_step)
# gdb knows no default arguments, so `print x.grad()` needs help.
for setting in ["macro define grad() node_.object_->gradient", "set breakpoint pending on", "set pagination off", "set width 0",
                "set debuginfod enabled off"] + ["skip -rfu " + names for names in view.SKIPPED]:
    try:
        gdb.execute(setting, to_string=True)
    except gdb.error:
        pass  # an older gdb that does not know it
