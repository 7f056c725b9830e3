"""Programs for RISC-V cores: ELF files, the model, the programs that ship."""
