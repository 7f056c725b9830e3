"""What every cocotb bench uses: clock, reset, words in, outputs compared."""
