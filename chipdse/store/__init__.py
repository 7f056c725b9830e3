"""What a stored result depends on: the code that makes it, and what it reads while it is made."""
