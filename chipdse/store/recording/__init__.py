"""Notes what the user's code reads while it runs, in chipdse and in the simulator of a bench."""
