"""Models behind an API: asked with endurance, within a budget, every answer kept the moment it is there."""
