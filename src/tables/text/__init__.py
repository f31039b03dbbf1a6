"""Text files as the user wrote them: dialect, records, spans of fields, formulas."""
