"""All claims about speed, measured by one command and shown on one page.

    python -m benchmarks.speed --out benchmarks/results/speed.json
    python -m benchmarks.speed.page benchmarks/results/speed.json

`registry` lists the comparisons, one file each: a module with `Sizes`, `QUICK` and `measure`. Each runs in a process of
its own (`child`), and what it returns is a `findings.Finding`.
"""
