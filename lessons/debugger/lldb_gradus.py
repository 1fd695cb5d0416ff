"""lldb for Gradus: `print x` shows a tensor, and there are commands for more.

    tensor x        all values                    graph loss       what made it, with lines
    heat weights    a picture in the terminal     backward-step    go to the next gradient

`make debug-NN DEBUGGER=lldb` loads this; by hand:
    sh lessons/debugger/start.sh lldb PROGRAM
`help backward-step` and the like say more. gdb's `break place if condition`, `advance line` and
`delete` are understood too, so that what the lessons say holds for both.
"""

import os
import sys

import lldb

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
import view


def member(value, *names):
    for name in names:
        value = value.GetChildMemberWithName(name)
    return value


def elements(span):
    """The first element of a std::span, of libstdc++ or libc++, and their number."""
    if member(span, "_M_ptr").IsValid():
        return member(span, "_M_ptr"), member(span, "_M_extent", "_M_extent_value")
    return member(span, "__data_"), member(span, "__size_")


def string_of(pointer, process):
    error = lldb.SBError()
    text = process.ReadCStringFromMemory(pointer.GetValueAsUnsigned(), 1000, error)
    if not error.Success():
        raise view.Problem(view.NOT_YET)
    return text or ""


def read_values(process, start, count, scalar):
    error = lldb.SBError()
    memory = process.ReadMemory(start, count * scalar, error)
    if not error.Success():
        raise view.Problem(view.NOT_YET)
    return view.to_array(memory, scalar)


def read_node(pointer):
    """A view.Node of a gradus::Node *."""
    target, process = pointer.GetTarget(), pointer.GetProcess()
    address = pointer.GetValueAsUnsigned()
    node_type = target.FindFirstType("gradus::Node")
    node = target.CreateValueFromAddress("node", lldb.SBAddress(address, target), node_type)
    # Standard types by their plain members, not as lldb likes to show them.
    node.SetPreferSyntheticValue(False)
    axes = member(node, "shape", "sizes_")
    sizes = [axes.GetChildAtIndex(i).GetValueAsSigned() for i in range(axes.GetNumChildren())]
    rank = member(node, "shape", "rank_").GetValueAsSigned()
    block = member(node, "values", "block_", "object_")
    count = member(block, "size").GetValueAsSigned()
    owners = process.ReadUnsignedFromMemory(block.GetValueAsUnsigned(), 4, lldb.SBError())
    view.check(rank, sizes, count, owners)
    where = "%s:%d" % (string_of(member(node, "where", "file"), process),
                       member(node, "where", "line").GetValueAsSigned())
    result = view.Node(address, sizes[:rank], string_of(member(node, "operation"), process),
                       string_of(member(node, "label"), process), where)
    scalar = target.FindFirstType("gradus::Scalar").GetByteSize()
    start = block.GetValueAsUnsigned() + block.GetType().GetPointeeType().GetByteSize()
    result.read_values = lambda: read_values(process, start, count, scalar)
    gradient = member(node, "gradient", "node_", "object_")
    if gradient.GetValueAsUnsigned():
        result.read_gradient = lambda: read_node(gradient)
    made_by = member(node, "made_by", "object_")
    if made_by.GetValueAsUnsigned():
        first, inputs = elements(member(made_by, "inputs"))
        edge = first.GetType().GetPointeeType()
        for i in range(inputs.GetValueAsUnsigned()):
            at = lldb.SBAddress(first.GetValueAsUnsigned() + i * edge.GetByteSize(), target)
            below = target.CreateValueFromAddress("edge", at, edge)
            below = member(below, "tensor", "node_", "object_")
            result.inputs.append(lambda below=below: read_node(below))
    return result


def check_declared(value):
    """view.Problem if `value` is a variable of this function whose line is still to come."""
    frame = value.GetFrame()
    line = frame.GetLineEntry().GetLine()
    for variable in frame.GetVariables(False, True, False, True):  # locals of this block
        if (variable.GetDeclaration().GetLine() >= line
                and variable.GetLoadAddress() == value.GetLoadAddress()):
            raise view.Problem(view.NOT_YET)


def read_tensor(value):
    value = value.GetNonSyntheticValue()
    if value.GetType().IsReferenceType() or value.GetType().IsPointerType():
        value = value.Dereference()
    if value.GetType().GetCanonicalType().GetUnqualifiedType().GetName() != "gradus::Tensor":
        raise view.Problem("a gradus::Tensor is needed, not a " + str(value.GetType().GetName()))
    check_declared(value)
    node = member(value, "node_", "object_")
    if not node.GetValueAsUnsigned():
        raise view.Problem(view.EMPTY)
    return read_node(node)


def tensor_summary(value, _):
    try:
        return view.text(read_tensor(value), before=view.BEFORE)
    except view.Problem as problem:
        return view.fitted(["<%s>" % problem], view.BEFORE)


def shape_summary(value, _):
    sizes = member(value, "sizes_")
    rank = member(value, "rank_").GetValueAsSigned()
    return str([sizes.GetChildAtIndex(i).GetValueAsSigned() for i in range(rank)])


def buffer_summary(value, _):
    block = member(value.GetNonSyntheticValue(), "block_", "object_")
    count = member(block, "size").GetValueAsSigned() if block.GetValueAsUnsigned() else 0
    scalar = value.GetTarget().FindFirstType("gradus::Scalar").GetByteSize()
    start = block.GetValueAsUnsigned() + block.GetType().GetPointeeType().GetByteSize()
    return view.buffer(read_values(value.GetProcess(), start, count, scalar) if count else [])


def show(debugger, expression, result, how):
    frame = debugger.GetSelectedTarget().GetProcess().GetSelectedThread().GetSelectedFrame()
    try:
        if not expression:
            raise view.Problem("which tensor?")
        if not frame.IsValid():
            raise view.Problem("the program is not running")
        value = frame.GetValueForVariablePath(expression)
        if not value.IsValid() or value.GetError().Fail():
            value = frame.EvaluateExpression(expression)
        if value.GetError().Fail():
            message = value.GetError().GetCString() or "no such variable"
            lines = [line for line in message.splitlines() if "error: <" in line]
            raise view.Problem((lines or message.splitlines())[0].split("error: ")[-1])
        result.AppendMessage(how(read_tensor(value)))
    except view.Problem as problem:
        result.SetError(str(problem))


def tensor(debugger, expression, result, _):
    show(debugger, expression, result, lambda node: view.text(node, None))


def graph(debugger, expression, result, _):
    show(debugger, expression, result, view.graph)


def heat(debugger, expression, result, _):
    show(debugger, expression, result, view.heat)


def backward_step(debugger, _, result, __):
    target = debugger.GetSelectedTarget()
    process = target.GetProcess()
    if process.GetState() != lldb.eStateStopped:
        result.SetError("the program is not running")
        return
    waits = debugger.GetAsync()
    debugger.SetAsync(False)
    place = target.BreakpointCreateByName("gradus::backward_step")
    process.Continue()
    target.BreakpointDelete(place.GetID())
    debugger.SetAsync(waits)
    if process.GetState() != lldb.eStateStopped:
        result.AppendMessage("the program has ended: there was no further backward step")
        return
    frame = process.GetSelectedThread().GetSelectedFrame()
    if (frame.GetFunctionName() or "").startswith("gradus::backward_step"):
        try:
            result.AppendMessage(view.backward(read_tensor(frame.FindVariable("out"))))
        except view.Problem as problem:
            result.SetError(str(problem))
    else:
        result.AppendMessage("stopped before the next backward step, in %s" % frame)


def __lldb_init_module(debugger, _):
    for name, function in (("tensor", tensor), ("graph", graph), ("heat", heat),
                           ("backward-step", backward_step)):
        function.__doc__ = view.HELP[name]
        debugger.HandleCommand("command script add -f %s.%s -h '%s' %s" % (
            __name__, function.__name__, view.HELP[name].splitlines()[0].split(": ")[1], name))
    for command in (
            "type summary add --python-function %s.tensor_summary gradus::Tensor" % __name__,
            "type summary add --python-function %s.shape_summary gradus::Shape" % __name__,
            "type summary add --python-function %s.buffer_summary gradus::Buffer" % __name__,
            # lldb knows no default arguments, so `print x.grad()` needs help.
            "settings set target.expr-prefix %s/lldb_prefix.h" % here,
            # Call stacks without the values of arguments: whole matrices.
            "settings set frame-format 'frame #${frame.index}: ${function.name-without-args}"
            "{ at ${line.file.basename}:${line.number}}\\n'",
            "settings set target.process.thread.step-avoid-regexp " + "|".join(view.SKIPPED),
            "command alias advance thread until",
            "command alias delete breakpoint delete --force",
            # break file:line if condition; break function if condition; the same without
            # (and -n finds no operator())
            """command regex break 's/^(.+)operator[(][)]$/breakpoint set -r "%1operator[(][)]"/' """
            """'s/^(.+):([0-9]+) if (.+)$/breakpoint set -f %1 -l %2 -c "%3"/' """
            """'s/^(.+) if (.+)$/breakpoint set -n %1 -c "%2"/' """
            "'s/^([^:]+):([0-9]+)$/breakpoint set -f %1 -l %2/' 's/^(.+)$/breakpoint set -n %1/'"):
        debugger.HandleCommand(command)
