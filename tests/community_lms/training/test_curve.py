"""Losses as lines and as a picture."""

from community_lms.training.curve import draw_losses, loss_lines

LOG = [
    {"eval_loss": 3.0, "step": 0, "num_input_tokens_seen": 0},
    {"loss": 2.5, "step": 2, "num_input_tokens_seen": 40, "grad_norm": 1.0},
    {"eval_loss": 2.0, "step": 2},
    {"train_loss": 2.2, "train_runtime": 5.0, "step": 2},
]


def test_lines_have_steps_tokens_and_one_loss() -> None:
    assert list(loss_lines(LOG)) == [
        {"step": 0, "tokens": 0, "held_out_loss": 3.0},
        {"step": 2, "tokens": 40, "loss": 2.5},
        {"step": 2, "tokens": 40, "held_out_loss": 2.0},
    ]


def test_the_picture_names_both_losses_and_is_the_same_each_time() -> None:
    lines = [*loss_lines(LOG), {"step": 4, "tokens": 80, "loss": None}]
    picture = draw_losses(lines, title="us")

    assert picture == draw_losses(lines, title="us")
    for words in ("<svg", ">us<", ">loss<", ">held-out loss<", ">nats per token<"):
        assert words in picture
    assert ">held-out loss<" not in draw_losses([{"step": 1, "tokens": 1, "loss": 2.0}], title="us")
    assert "<svg" in draw_losses([], title="us")
