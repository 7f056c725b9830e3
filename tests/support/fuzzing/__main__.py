from tests.support.fuzzing import main

main()
