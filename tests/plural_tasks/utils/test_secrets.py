"""What is a secret's name: one rule for arguments that are refused, left out of records, and left out of identities."""

import pytest

from plural_tasks.report.submission.redact import clean
from plural_tasks.utils.credentials import without_keys
from plural_tasks.utils.secrets import is_secret_name

SECRET = [
    *("api_key", "OPENAI_API_KEY", "apiKey", "APIKey", "apikey", "openaiapikey", "x-api-key", "api_keys", "api_key_2"),
    *("access_key_id", "Ocp-Apim-Subscription-Key", "private_key", "license_key", "key", "keys", "my_key_value"),
    *("token", "hf_token", "hfToken", "HFToken", "access_token", "auth_token", "use_auth_token", "authtoken"),
    *("session_token", "bot_token", "my_token", "api_tokens", "id_token_value"),
    *("password", "db.password", "userPassword", "passwd", "PASS", "passphrase", "pwd", "secret", "client_secret"),
    *("secrets", "secret_url", "credentials", "Authorization", "auth", "basic_auth", "auth_header_value", "oauth2"),
    *("bearer", "cookie", "session_cookie", "session_id", "header", "headers", "extra_headers", "headersJson"),
]
PLAIN = [
    *(
        "think_end_token",
        "eos_token",
        "bos_token",
        "pad_token",
        "pad_token_id",
        "custom_prefix_token_id",
        "image_token",
    ),
    *("add_bos_token", "max_tokens", "max_new_tokens", "token_limit", "tokens", "tokenizer", "tokenizer_backend"),
    *("tokenized_requests", "skip_special_tokens", "author", "authors", "authority", "monkey", "keyboard", "keyed"),
    *(
        "keyword",
        "keyword_args",
        "key_frames",
        "sort_key",
        "label_key",
        "prompt_cache_key",
        "api_key_env",
        "token_type",
    ),
    *("credentials_file", "secret_name", "secretary", "passage", "bypass", "compass", "session_length", "model"),
    *("pretrained", "seed", "", "_", "2"),
]


def test_names_of_secrets() -> None:
    assert [name for name in SECRET if not is_secret_name(name)] == []


def test_names_of_nothing_secret() -> None:
    assert [name for name in PLAIN if is_secret_name(name)] == []


@pytest.mark.parametrize(("name", "secret"), [("my_token", True), ("think_end_token", False)])
def test_what_is_shown_and_what_is_published_follow_one_rule(name, secret) -> None:
    assert without_keys({name: "short"}) == {name: "[key]" if secret else "short"}
    assert clean({name: "short"}) == ({} if secret else {name: "short"})
