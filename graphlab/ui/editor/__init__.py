"""The program editor: text, gutter, colours, find bar."""
