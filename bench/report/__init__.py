"""What bench/run and bench/compare are made of: measuring, one JSON file, a report, a comparison."""
