"""Chapter 11: the design studio; briefs, designs, traces, scorecards."""
