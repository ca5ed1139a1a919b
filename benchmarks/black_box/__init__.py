"""The ground for proofs about black-box base LLMs: a real server, faults between it and a run, and kills of a run."""
