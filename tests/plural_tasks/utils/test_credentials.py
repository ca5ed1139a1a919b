"""What counts as a key among arguments, and how it is kept out of what is shown."""

import logging

import pytest

from plural_tasks.utils.credentials import (
    from_environment,
    is_secret_name,
    keep_keys_out,
    refuse_keys,
    without_keys,
)
from plural_tasks.utils.errors import ModPluralError, one_line
from plural_tasks.utils.secrets import redact

KEY = "sk-planted-0123456789abcdef"


@pytest.mark.parametrize(
    "name",
    [
        *("api_key", "apikey", "openai_api_key", "auth_token", "token", "hf_token", "access_token", "use_auth_token"),
        *("password", "client_secret", "Authorization", "x-api-key", "Ocp-Apim-Subscription-Key", "header", "cookies"),
    ],
)
def test_names_of_keys(name) -> None:
    assert is_secret_name(name)
    with pytest.raises(ModPluralError, match=rf"^here: {name} holds what looks like a key") as told:
        refuse_keys({name: "hush-hush"}, where="here")
    assert "hush-hush" not in str(told.value)


@pytest.mark.parametrize(
    "name",
    [
        *("eos_token", "think_end_token", "add_bos_token", "custom_prefix_token_id", "max_tokens", "tokenizer"),
        *("api_key_env", "tokenizer_backend", "pretrained", "keyword", "authors"),
    ],
)
def test_names_of_no_keys(name) -> None:
    assert not is_secret_name(name)
    refuse_keys({name: "plain"}, where="here")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"model": KEY}, "model_args: model"),
        ({"base_url": "https://ann:hush@host/v1"}, "model_args: base_url"),
        ({"base_args": {"header": {"X-Key": "abc"}}}, "model_args, base_args, header: X-Key"),
        ({"pretrained": "value of a variable"}, "model_args: pretrained"),
    ],
)
def test_keys_under_any_name(arguments, named, monkeypatch) -> None:
    monkeypatch.setenv("MY_SECRET", "value of a variable")
    with pytest.raises(ModPluralError) as told:
        refuse_keys(arguments, where="model_args")
    assert str(told.value).startswith(f"{named} holds")


def test_what_is_no_key_passes() -> None:
    plain = {"token": True, "auth_token": None, "api_key": "none", "header": {"X-Title": "us"}, "key": "env:MY_KEY"}
    refuse_keys(plain, where="here")
    assert without_keys(plain) == plain


def test_variables_stand_for_keys_only(monkeypatch) -> None:
    monkeypatch.setenv("MINE", "mine")
    given = {"api_key": "env:MINE", "model": "env:MINE", "header": {"Authorization": "Bearer env:MINE"}, "n": 1}
    assert from_environment(given, where="here") == {
        **{"api_key": "mine", "model": "env:MINE", "header": {"Authorization": "Bearer mine"}, "n": 1}
    }
    with pytest.raises(ModPluralError, match="here: token names the environment variable NONE_SUCH, which is not set"):
        from_environment({"token": "env:NONE_SUCH"}, where="here")


def test_keys_are_taken_out_of_texts(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("SERVER_TOKEN", "correct-horse")
    monkeypatch.setenv("OTHER_KEY", "short")
    monkeypatch.setenv("SSH_KEY", str(tmp_path))
    assert redact(f"correct-horse, {KEY}, short, {tmp_path}") == f"[SERVER_TOKEN], [key], short, {tmp_path}"
    assert one_line(ValueError("refused:\n correct-horse")) == "refused: [SERVER_TOKEN]"


@pytest.mark.parametrize(
    ("message", "values", "shown"),
    [
        ("arguments: %s", ({"auth_token": "hush", "model": "m"},), "arguments: {'auth_token': '[key]', 'model': 'm'}"),
        ("%s with %s", ("modplural", {"api_key": "hush"}), "modplural with {'api_key': '[key]'}"),
        (f"refused: {KEY}", (), "refused: [key]"),
        ("%d of %d", (1, 2), "1 of 2"),
    ],
)
def test_keys_are_taken_out_of_log_records(message, values, shown) -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, message, values, None)
    assert keep_keys_out(record)
    assert record.getMessage() == shown
