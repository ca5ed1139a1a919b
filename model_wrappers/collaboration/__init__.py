"""How communities and a base LLM collaborate: queries in, prompts, answers and mixtures out."""
