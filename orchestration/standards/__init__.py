"""What other systems read of a closed or running month: FOCUS 1.2 and the journal."""
