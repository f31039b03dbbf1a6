"""Jobs side by side, and which of them are finished."""
