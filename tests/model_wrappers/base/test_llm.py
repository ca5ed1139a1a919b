"""How a base LLM is asked."""

import pytest

from model_wrappers.base.llm import BaseLLM
from plural_tasks.utils.errors import ModPluralError
from tests.model_wrappers.helpers import doc, model, requests


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ScriptedLM
    from model_wrappers.base.scripted import ScriptedLM


def test_a_base_that_gives_no_log_likelihoods_is_one_clear_error(tmp_path) -> None:
    class NoScores(ScriptedLM):
        def loglikelihood(self, requests, disable_tqdm=False):
            raise NotImplementedError("Loglikelihood is not supported for chat completions.")

    lm, _, _ = model(tmp_path, base=NoScores(), elicitation="logprob")
    with pytest.raises(ModPluralError, match=r"\(NoScores\) cannot answer loglikelihood requests.*Choose tasks"):
        lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))


def test_a_chat_base_without_the_chat_template_is_one_clear_error(tmp_path) -> None:
    class ChatOnly(ScriptedLM):
        def generate_until(self, requests, disable_tqdm=False):
            raise AssertionError("expects messages as list[dict]; ensure --apply_chat_template is set")

    lm, _, _ = model(tmp_path, base=ChatOnly(), method="vanilla")
    with pytest.raises(ModPluralError, match="add --apply_chat_template"):
        lm.generate_until(requests([doc("overton")], "generate_until"))


def test_an_api_is_asked_remotely_unless_it_is_left_to_the_harness() -> None:
    from lm_eval.models.openai_completions import LocalChatCompletion

    from community_lms.remote.account import Account
    from community_lms.remote.retry import RetryPolicy

    client = LocalChatCompletion(base_url="http://127.0.0.1:1/v1/chat/completions", model="m")
    base = BaseLLM(client)
    base._find_quick()  # as for a request with pictures
    account = Account()
    base.connect(account, RetryPolicy())
    assert base.remote is base.client
    assert base.client.account is account
    base.leave_to_harness()
    assert base.remote is None
    assert base.client.client is client  # for what the harness has no way to ask
    assert base.remote is None
    assert BaseLLM(ScriptedLM()).remote is None
