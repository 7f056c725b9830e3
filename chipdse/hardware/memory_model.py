"""An SRAM macro for Yosys and for simulators: what it can do, its ports, its behaviour."""

from __future__ import annotations

from chipdse.netlist.library.macros import macro_pins
from chipdse.technology.sram import MacroSize


def ram_description(size: MacroSize) -> str:
    """What the macro can do, for `memory_libmap`."""
    lines = [
        f"ram block $__{size.name}_ {{",
        f"  abits {size.address_bits}; width {size.bits}; byte {size.mask_bits};",
        "  cost 1; init any;",
    ]
    if size.has_second_port:
        # "old": what is read where it is being written is up to the simulation model, not Yosys.
        lines += [
            '  port sw "W" { clock posedge "C"; wrbe_separate; wrtrans all old; }',
            '  port sr "R" { clock posedge "C"; rden; }',
        ]
    else:
        lines.append('  port srsw "A" { clock posedge "C"; rden; rdwr no_change; wrbe_separate; }')
    return "\n".join([*lines, "}", ""])


def memory_map(size: MacroSize) -> str:
    """From what `memory_libmap` leaves to the macro, for `techmap`."""
    if size.has_second_port:
        write, read = "PORT_W", "PORT_R"
        address = (
            ".waddr(PORT_W_ADDR), .raddr(PORT_R_ADDR)",
            "input [{a}:0] PORT_W_ADDR; input [{a}:0] PORT_R_ADDR; input PORT_R_CLK;",
        )
    else:
        write = read = "PORT_A"
        address = (".addr(PORT_A_ADDR)", "input [{a}:0] PORT_A_ADDR;")
    connected, declared = address
    return f"""
module \\$__{size.name}_ (...);
  parameter INIT = 0;
  parameter WIDTH = {size.bits};
  parameter {write}_WIDTH = {size.bits};
  parameter {read}_WIDTH = {size.bits};
  parameter {write}_WR_BE_WIDTH = {size.masks};
  input CLK_C;
  input {write}_CLK;
  {declared.format(a=size.address_bits - 1)}
  input {write}_WR_EN;
  input [{size.masks - 1}:0] {write}_WR_BE;
  input [{size.bits - 1}:0] {write}_WR_DATA;
  input {read}_RD_EN;
  output [{size.bits - 1}:0] {read}_RD_DATA;
  {size.name} _TECHMAP_REPLACE_ (.clk({write}_CLK), .we({write}_WR_EN), .mask({write}_WR_BE),
    {connected}, .din({write}_WR_DATA), .re({read}_RD_EN), .dout({read}_RD_DATA));
endmodule
"""


def memory_model(size: MacroSize) -> str:
    """Verilog of the macro's behaviour; `read_verilog -lib` takes only its ports."""
    ports = "\n".join(
        f"  {direction}{' reg' if direction == 'output' else ''} "
        f"{f'[{bits - 1}:0] ' if bits > 1 else ''}{name};"
        for name, direction, bits in macro_pins(size)
    )
    names = ", ".join(name for name, _, _ in macro_pins(size))
    two = size.has_second_port
    write, read = ("waddr", "raddr") if two else ("addr", "addr")
    clash = f"we && {write} == {read} ? ~cells[{read}] : cells[{read}]"
    reading = f"if (re) dout <= {clash};" if two else f"if (re && !we) dout <= cells[{read}];"
    mask = "mask[part]" if size.masks > 1 else "mask"
    return f"""
// SRAM macro of {size.words} words of {size.bits} bits, {size.mask_bits} bits a write enable. It
// powers up with garbage{
        ", and a read of the word that is being written gives garbage" if two else ""
    }.
module {size.name} ({names});
{ports}
  reg [{size.bits - 1}:0] cells [0:{size.words - 1}];
  integer word, part;
  initial begin
    for (word = 0; word < {size.words}; word = word + 1)
      for (part = 0; part < {size.bits}; part = part + 1)
        cells[word][part] = (word * 1103515245 + part * 12345 + 1013904223) >> 7;
    dout = 0;
    for (part = 0; part < {size.bits}; part = part + 2) dout[part] = 1'b1;
  end
  always @(posedge clk) begin
    if (we)
      for (part = 0; part < {size.masks}; part = part + 1)
        if ({mask})
          cells[{write}][part * {size.mask_bits} +: {size.mask_bits}] <=
            din[part * {size.mask_bits} +: {size.mask_bits}];
    {reading}
  end
endmodule
"""
