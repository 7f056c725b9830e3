"""Programs for RISC-V cores: assembler, ELF reader, the instruction set as a model, C programs.

For `rv32` and for the cores of users: nothing here knows any hardware.
"""
