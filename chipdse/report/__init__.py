"""Tables, pictures, HTML pages and progress for people."""
