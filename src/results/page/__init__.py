"""What people read: tables, figures, the page of a sweep, the card of a run, the terminal."""
