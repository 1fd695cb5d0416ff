"""lldb for Gradus: `print x` shows a tensor, and there are commands for more.

    tensor x        all values                    graph loss       what made it, with lines
    heat weights    a picture in the terminal     backward-step    go to the next gradient

`make debug-NN DEBUGGER=lldb` loads this; by hand:
    lldb -o 'command script import lessons/debugger/lldb_gradus.py' PROGRAM
"""

import os
import struct
import sys

import lldb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import view


class Problem(Exception):
    pass


def member(value, *names):
    for name in names:
        value = value.GetChildMemberWithName(name)
    return value


def string_of(pointer, process):
    error = lldb.SBError()
    text = process.ReadCStringFromMemory(pointer.GetValueAsUnsigned(), 1000, error)
    if not error.Success():
        raise Problem("this tensor is not there yet: its line has not run")
    return text


def read_node(pointer):
    """A view.Node of a gradus::Node *."""
    target, process = pointer.GetTarget(), pointer.GetProcess()
    address = pointer.GetValueAsUnsigned()
    node_type = target.FindFirstType("gradus::Node")
    node = target.CreateValueFromAddress("node", lldb.SBAddress(address, target), node_type)
    sizes = member(node, "shape", "sizes_")
    rank = member(node, "shape", "rank_").GetValueAsSigned()
    shape = [sizes.GetChildAtIndex(i).GetValueAsSigned() for i in range(rank)]
    block = member(node, "values", "block_")
    count = member(block, "size").GetValueAsSigned()
    scalar = target.FindFirstType("gradus::Scalar").GetByteSize()
    start = block.GetValueAsUnsigned() + block.GetType().GetPointeeType().GetByteSize()
    error = lldb.SBError()
    memory = process.ReadMemory(start, count * scalar, error) if 0 < count < 1 << 32 else None
    if not memory or not error.Success():
        raise Problem("this tensor is not there yet: its line has not run")
    values = list(struct.unpack("%d%s" % (count, "f" if scalar == 4 else "d"), memory))
    where = "%s:%d" % (string_of(member(node, "where", "file"), process),
                       member(node, "where", "line").GetValueAsSigned())
    result = view.Node(address, shape, values, string_of(member(node, "operation"), process),
                       string_of(member(node, "label"), process) or "", where)
    gradient = member(node, "gradient", "node_")
    if gradient.GetValueAsUnsigned():
        result.gradient = read_node(gradient)
    made_by = member(node, "made_by")
    if made_by.GetValueAsUnsigned():
        first = member(made_by, "inputs", "first_")
        input_type = first.GetType().GetPointeeType()
        for i in range(member(made_by, "inputs", "count_").GetValueAsSigned()):
            at = lldb.SBAddress(first.GetValueAsUnsigned() + i * input_type.GetByteSize(), target)
            below = member(target.CreateValueFromAddress("input", at, input_type), "tensor", "node_")
            if below.GetValueAsUnsigned():
                result.inputs.append(lambda below=below: read_node(below))
    return result


def read_tensor(value):
    value = value.GetNonSyntheticValue()
    if value.GetType().IsReferenceType() or value.GetType().IsPointerType():
        value = value.Dereference()
    if value.GetType().GetUnqualifiedType().GetName() != "gradus::Tensor":
        raise Problem("a gradus::Tensor is needed, not a " + str(value.GetType().GetName()))
    node = member(value, "node_")
    if not node.GetValueAsUnsigned():
        raise Problem("this tensor is empty: nothing was assigned to it yet")
    return read_node(node)


def summary(value, _):
    try:
        return view.text(read_tensor(value))
    except Problem as problem:
        return "<%s>" % problem


def show(debugger, expression, result, how):
    frame = debugger.GetSelectedTarget().GetProcess().GetSelectedThread().GetSelectedFrame()
    value = frame.GetValueForVariablePath(expression)
    if not value.IsValid() or value.GetError().Fail():
        value = frame.EvaluateExpression(expression)
    try:
        result.AppendMessage(how(read_tensor(value)))
    except Problem as problem:
        result.SetError(str(problem))


def tensor(debugger, expression, result, _):
    show(debugger, expression, result, lambda node: view.text(node, None))


def graph(debugger, expression, result, _):
    show(debugger, expression, result, view.graph)


def heat(debugger, expression, result, _):
    show(debugger, expression, result, view.heat)


def backward_step(debugger, _, result, __):
    debugger.SetAsync(False)
    target = debugger.GetSelectedTarget()
    place = target.BreakpointCreateByName("gradus::backward_step")
    target.GetProcess().Continue()
    target.BreakpointDelete(place.GetID())
    process = target.GetProcess()
    if process.GetState() != lldb.eStateStopped:
        result.AppendMessage("the program has ended: there was no further backward step")
        return
    frame = process.GetSelectedThread().GetSelectedFrame()
    if (frame.GetFunctionName() or "").startswith("gradus::backward_step"):
        result.AppendMessage(view.backward(read_tensor(frame.FindVariable("out"))))
    else:
        result.AppendMessage("stopped elsewhere, in %s" % frame.GetFunctionName())


def __lldb_init_module(debugger, _):
    name = __name__
    for command in ("type summary add --python-function %s.summary gradus::Tensor" % name,
                    "command script add -f %s.tensor tensor" % name,
                    "command script add -f %s.graph graph" % name,
                    "command script add -f %s.heat heat" % name,
                    "command script add -f %s.backward_step backward-step" % name,
                    "settings set target.process.thread.step-avoid-regexp ^std::"):
        debugger.HandleCommand(command)
