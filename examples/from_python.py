"""The model over two documents, from Python; the settings of ``--model_args`` as a dict.

python -m examples.from_python
"""

import lm_eval

results = lm_eval.simple_evaluate(
    model="modplural",
    model_args={"pool": "embedded", "weights": {"liberal": 3}},
    tasks=["plural_embedded_steerable"],
    limit=2,
)

if __name__ == "__main__":
    for task, figures in results["results"].items():
        print(task, {name: figure for name, figure in figures.items() if isinstance(figure, float)})
