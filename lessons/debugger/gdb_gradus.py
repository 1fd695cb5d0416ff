"""gdb for Gradus: `print x` shows a tensor, and there are commands for more.

    tensor x        all values                    graph loss       what made it, with lines
    heat weights    a picture in the terminal     backward-step    go to the next gradient

`make debug-NN` loads this; by hand: gdb -x lessons/debugger/gdb_gradus.py PROGRAM
"""

import os
import struct
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import view


def read_node(pointer):
    """A view.Node of a gradus::Node *."""
    node = pointer.cast(gdb.lookup_type("gradus::Node").pointer()).dereference()
    shape = [int(node["shape"]["sizes_"][i]) for i in range(int(node["shape"]["rank_"]))]
    block = node["values"]["block_"]
    scalar = gdb.lookup_type("gradus::Scalar").sizeof
    count = int(block["size"])
    memory = gdb.selected_inferior().read_memory(int(block + 1), count * scalar)
    values = list(struct.unpack("%d%s" % (count, "f" if scalar == 4 else "d"), bytes(memory)))
    where = "%s:%d" % (node["where"]["file"].string(), int(node["where"]["line"]))
    result = view.Node(int(pointer), shape, values, node["operation"].string(),
                       node["label"].string(), where)
    gradient = node["gradient"]["node_"]
    if int(gradient):
        result.gradient = read_node(gradient)
    if int(node["made_by"]):
        inputs = node["made_by"]["inputs"]
        for i in range(int(inputs["count_"])):
            below = inputs["first_"][i]["tensor"]["node_"]
            if int(below):
                result.inputs.append(lambda below=below: read_node(below))
    return result


def read_tensor(value):
    if value.type.code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_PTR):
        value = value.referenced_value()
    if str(value.type.strip_typedefs().unqualified()) != "gradus::Tensor":
        raise gdb.GdbError("a gradus::Tensor is needed, not a " + str(value.type))
    if not int(value["node_"]):
        raise gdb.GdbError("this tensor is empty: nothing was assigned to it yet")
    try:
        return read_node(value["node_"])
    except gdb.MemoryError:
        raise gdb.GdbError("this tensor is not there yet: its line has not run")


class TensorPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        try:
            return view.text(read_tensor(self.value))
        except gdb.GdbError as error:
            return "<%s>" % error


def printer_of(value):
    if str(value.type.strip_typedefs().unqualified()) == "gradus::Tensor":
        return TensorPrinter(value)
    return None


class Show(gdb.Command):
    """NAME TENSOR: one of the commands at the head of this file."""

    def __init__(self, name, show):
        super().__init__(name, gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)
        self.show = show

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("which tensor?")
        print(self.show(read_tensor(gdb.parse_and_eval(argument))))


class BackwardStep(gdb.Command):
    """Goes on until the next operation is about to be differentiated, and shows it; `step` then
    goes into its backward()."""

    def __init__(self):
        super().__init__("backward-step", gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        place = gdb.Breakpoint("gradus::backward_step", internal=True, temporary=True)
        place.silent = True
        gdb.execute("continue", to_string=True)
        try:
            frame = gdb.selected_frame()
        except gdb.error:
            print("the program has ended: there was no further backward step")
            return
        if frame.name() and frame.name().startswith("gradus::backward_step"):
            print(view.backward(read_tensor(frame.read_var("out"))))
        else:
            print("stopped elsewhere, in %s" % frame.name())


gdb.pretty_printers.append(printer_of)
Show("tensor", lambda node: view.text(node, None))
Show("graph", view.graph)
Show("heat", view.heat)
BackwardStep()
for setting in ("set print object on", "set breakpoint pending on", "set pagination off",
                "set width 0", "set debuginfod enabled off", "skip -gfi /usr/include/c++/*",
                "skip -gfi /usr/include/c++/*/*", "skip -gfi /usr/include/c++/*/bits/*"):
    try:
        gdb.execute(setting, to_string=True)
    except gdb.error:
        pass  # an older gdb that does not know it
