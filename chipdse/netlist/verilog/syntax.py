"""Structural Verilog as text: modules with declarations, assignments and instances.

Only what a mapped netlist contains is read; anything behavioural is refused by line.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path

from chipdse.netlist.verilog.tokens import (
    HEAD,
    IDENTIFIER,
    INSTANCE,
    PIN,
    WIRE,
    VerilogText,
    unescape,
)

_DIRECTIONS = ("input", "output", "inout")
_NETS = ("wire", "uwire", "tri", "wand", "wor", "triand", "trior", "supply0", "supply1", "logic")
_PULLED = frozenset(("tri0", "tri1", "trireg"))
_PRIMITIVES = frozenset(
    (
        "and",
        "nand",
        "or",
        "nor",
        "xor",
        "xnor",
        "buf",
        "not",
        "bufif0",
        "bufif1",
        "notif0",
        "notif1",
        "pullup",
        "pulldown",
        "tran",
        "nmos",
        "pmos",
        "cmos",
    )
)
_BEHAVIOUR = frozenset(
    (
        "always",
        "always_comb",
        "always_ff",
        "always_latch",
        "initial",
        "reg",
        "function",
        "task",
        "generate",
        "if",
        "for",
        "case",
        "specify",
        "primitive",
        "defparam",
        "parameter",
        "localparam",
        "integer",
        "real",
        "genvar",
        "begin",
    )
)

MAX_BITS = 1 << 16  # of one vector; more is a damaged file
Range = tuple[int, int] | None  # declared [left:right], None for a scalar
# Cell, name, (pin, expression), where; pins connected by position have an empty name.
Instance = tuple[str, str, list[tuple[str, str]], int]


@dataclass(kw_only=True)
class Module:
    """One module as written; names are unescaped, expressions still text.

    is_model : it has the name of a library cell: a simulation model, whose ports alone are read
    """

    name: str
    offset: int
    ports: list[str] = field(default_factory=list)
    directions: dict[str, str] = field(default_factory=dict)
    ranges: dict[str, Range] = field(default_factory=dict)
    assigns: list[tuple[str, str, int]] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    is_model: bool = False

    def referenced(self) -> set[str]:
        """Every name that an assignment or a connection mentions."""
        texts = [text for left, right, _ in self.assigns for text in (left, right)]
        texts += [text for _, _, connections, _ in self.instances for _, text in connections]
        return {unescape(name) for text in texts for name in IDENTIFIER.findall(text + " ")}


class VerilogFile(VerilogText):
    """The modules of one file, read front to back.

    Parameters
    ----------
    models : names of library cells; a module of such a name is a simulation model
    """

    def __init__(self, text: str, path: Path, models: Container[str] = ()) -> None:
        super().__init__(text, path)
        self.models = models
        self.modules: dict[str, Module] = {}

    def parse(self) -> dict[str, Module]:
        """All modules by name."""
        while token := self.peek():
            if token != "module":
                self.refuse_directive(token)
                self.fail(f"expected 'module', found {token!r}; this is not a Verilog netlist")
            self._module()
        if not self.modules:
            self.fail("no module in this file; a Verilog netlist is expected")
        return self.modules

    def _module(self) -> None:
        start = self.position
        self.take()
        module = Module(name=self.name("a module name"), offset=start)
        if module.name in self.modules:
            self.fail(f"module {module.name!r} is defined twice", start)
        module.is_model = module.name in self.models
        self._header(module)
        if module.is_model:
            self._skip_body(module)
            return
        self._body(module)
        undirected = [port for port in module.ports if port not in module.directions]
        if undirected:
            self.fail(f"port {undirected[0]!r} of {module.name!r} has no direction", start)
        self.modules[module.name] = module

    def _body(self, module: Module) -> None:
        """Everything up to 'endmodule'; plain instances, of which there may be millions, first."""
        text, instance, pins = self.text, INSTANCE.match, PIN.findall
        instances = module.instances
        while True:
            match = instance(text, self.position)
            if match is not None and match[1] not in _KEYWORDS:
                kind, name, body = match.groups()
                connections = pins(body)
                if "\\" in kind or "\\" in name or ".\\" in body:
                    connections = [(unescape(pin), net) for pin, net in connections]
                    kind, name = unescape(kind), unescape(name)
                instances.append((kind, name, connections, self.position))
                self.position = match.end()
            elif not self._plain_wire(module) and not self._statement(module):
                return

    def _plain_wire(self, module: Module) -> bool:
        """Take the declaration of one new wire, if it comes next."""
        match = WIRE.match(self.text, self.position)
        if match is None:
            return False
        left, right, name = match.groups()
        name = name.removeprefix("\\")
        if name in module.ranges:
            return False
        if left is None:
            module.ranges[name] = None
        else:
            self._plausible(int(left[:11]), int(right[:11]))
            module.ranges[name] = (int(left), int(right))
        self.position = match.end()
        return True

    def _statement(self, module: Module) -> bool:
        """Take any other statement; False after 'endmodule'."""
        match = HEAD.match(self.text, self.position)
        word = match[1] if match else ""
        if word == "endmodule":
            self.take()
            if self.peek() == ":":  # SystemVerilog repeats the name
                self.take()
                self.name("the module's name after 'endmodule :'")
            return False
        if word in _DIRECTIONS or word in _NETS:
            self._declaration(module)
        elif word == "assign":
            self._assign(module)
        elif word in _BEHAVIOUR:
            self.fail(f"'{word}' is not part of a mapped netlist; synthesise it first")
        elif word in _PULLED:
            self.fail(f"a '{word}' net keeps or is pulled to a value; use a tie cell instead")
        elif word in _PRIMITIVES:
            self.fail(f"gate primitive '{word}' has no timing; map it to a library cell")
        elif word:
            self._instances(module)
        elif not self.peek():
            self.fail(f"expected 'endmodule' of module {module.name!r}, found the end of file")
        else:
            self.refuse_directive(self.peek())
            self.fail(f"expected a declaration, an instance or 'endmodule', found {self.peek()!r}")
        return True

    def _skip_body(self, module: Module) -> None:
        """The body of a model is for simulators; the library describes the cell."""
        while (token := self.take()) != "endmodule":
            if not token:
                self.fail(f"expected 'endmodule' of module {module.name!r}, found the end of file")
        self.modules[module.name] = module

    def _header(self, module: Module) -> None:
        if self.peek() == "#":
            self.fail("a module with parameters is not a mapped netlist; synthesise it first")
        if self.peek() == "(":
            self.take()
            direction, span = "", None
            while self.peek() != ")":
                if self.peek() in _DIRECTIONS:
                    direction = self.take()
                    self._net_type()
                    span = self._range()
                port = self.name("a port name")
                if port in module.ports:
                    self.fail(f"port {port!r} is listed twice")
                module.ports.append(port)
                if direction:
                    module.directions[port] = direction
                    module.ranges[port] = span
                if self.peek() != ",":
                    break
                self.take()
            self.expect(")", "after the port list")
        self.expect(";", f"after the header of module {module.name!r}")

    def _net_type(self) -> None:
        while self.peek() in (*_NETS, "signed", "reg"):
            self.take()

    def _range(self) -> Range:
        if self.peek() != "[":
            return None
        self.take()
        left = self._integer()
        self.expect(":", "in a range such as [7:0]")
        right = self._integer()
        self.expect("]", "after a range")
        self._plausible(left, right)
        return left, right

    def _plausible(self, left: int, right: int) -> None:
        if abs(left - right) >= MAX_BITS:
            self.fail(f"a range of {abs(left - right) + 1} bits is not plausible")

    def _integer(self) -> int:
        before = self.position
        sign = -1 if self.peek() == "-" else 1
        if sign < 0:
            self.take()
        token = self.take()
        if not token.isdecimal() or len(token) > 9:
            self.fail(f"expected a bit number, found {token or 'the end of file'!r}", before)
        return sign * int(token)

    def _declaration(self, module: Module) -> None:
        keyword = self.take()
        self._net_type()
        span = self._range()
        while True:
            before = self.position
            name = self.name(f"a name after '{keyword}'")
            if keyword in _DIRECTIONS:
                if name not in module.ports:
                    self.fail(f"{keyword} {name!r} is not in the port list of the module", before)
                module.directions[name] = keyword
            if module.ranges.get(name, span) != span:
                self.fail(f"{name!r} is declared with two different ranges", before)
            module.ranges[name] = span
            if keyword in ("supply0", "supply1"):
                width = 1 if span is None else abs(span[0] - span[1]) + 1
                value = f"{{{width}{{1'b{keyword[-1]}}}}}"
                module.assigns.append((f"\\{name} ", value, before))
            if self.peek() == "=":
                self.take()
                module.assigns.append((f"\\{name} ", self._expression(), before))
            if self.peek() != ",":
                break
            self.take()
        self.expect(";", f"after the declaration of {name!r}")

    def _expression(self) -> str:
        """The text up to a ``,``, ``;`` or ``)`` outside brackets."""
        depth, start = 0, self.position
        while depth > 0 or self.peek() not in (",", ";", ")"):
            before, token = self.position, self.take()
            if not token:
                self.fail("expected ';', found the end of file")
            self.refuse_directive(token, before)
            depth += (token in ("{", "[", "(")) - (token in ("}", "]", ")"))
        return self.text[start : self.position]

    def _assign(self, module: Module) -> None:
        self.take()
        while True:
            before = self.position
            left = self._target()
            self.expect("=", "in an assignment")
            module.assigns.append((left, self._expression(), before))
            if self.peek() != ",":
                break
            self.take()
        self.expect(";", "after an assignment")

    def _target(self) -> str:
        start = self.position
        while (token := self.peek()) and token != "=":
            if token == ";":
                break
            self.take()
        return self.text[start : self.position]

    def _instances(self, module: Module) -> None:
        """One or several instances of a cell: ``CELL a (...), b (...);``."""
        start = self.position
        kind = self.name("a cell name")
        if self.peek() == "#":
            self.fail(f"instance of {kind!r} has parameters; a mapped netlist has none")
        while True:
            name, connections = self._instance(kind)
            module.instances.append((kind, name, connections, start))
            if self.peek() != ",":
                break
            self.take()
            start = self.position
        self.expect(";", f"after instance {name!r}")

    def _instance(self, kind: str) -> tuple[str, list[tuple[str, str]]]:
        """Name and connections of an instance."""
        name = self.name(f"an instance name after {kind!r}")
        if self.peek() == "[":
            self.fail(f"{name!r} is an array of instances; expand it first")
        self.expect("(", f"after instance name {name!r}")
        connections: list[tuple[str, str]] = []
        by_name = self.peek() == "."
        while by_name or self.peek() != ")" or connections:
            if (self.peek() == ".") != by_name:
                self.refuse_directive(self.peek())
                self.fail(
                    f"expected '.PIN(net)' in instance {name!r}, found "
                    f"{self.peek() or 'the end of file'!r}; connect all pins by name"
                )
            if by_name:
                connections.append(self._named_pin(name))
            else:
                connections.append(("", self._expression()))
            if self.peek() != ",":
                break
            self.take()
        self.expect(")", f"after the pins of instance {name!r}")
        return name, connections

    def _named_pin(self, instance: str) -> tuple[str, str]:
        """``.PIN(net)``, or ``.PIN`` for a net of the same name, as SystemVerilog has it."""
        self.take()
        if self.peek() == "*":
            self.fail(f"'.*' in instance {instance!r} names no pins; connect each pin by name")
        pin = self.name("a pin name")
        if self.peek() in (",", ")"):
            return pin, pin if pin.isidentifier() else f"\\{pin} "
        self.expect("(", f"after pin {pin!r}")
        net = self._expression()
        self.expect(")", f"after the net of pin {pin!r} of {instance!r}")
        return pin, net


_KEYWORDS = (
    frozenset((*_DIRECTIONS, *_NETS, "assign", "endmodule", "module"))
    | _BEHAVIOUR
    | _PULLED
    | _PRIMITIVES
)
