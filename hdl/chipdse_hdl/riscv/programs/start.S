# Entry of every program: a stack, then main; its result is the exit code, in a0.
    .section .text.start
    .globl _start
_start:
    la sp, _stack_top
    call main
    ecall
