"""What there is to find: feature tables and their columns, who reads them, what they hold and cost; show-features."""
