"""Messages that a run would ask communities for, planned without a base LLM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from community_lms.messages.message import MessageRequest
from community_lms.messages.store import MessageStore
from model_wrappers.arguments import DEFAULT_SEED, read_arguments
from model_wrappers.base.account import account_of_communities
from model_wrappers.collaboration.communities import Communities
from model_wrappers.collaboration.query import Query, read_queries
from model_wrappers.collaboration.setup import make_communities
from model_wrappers.runs.tasks import load_tasks
from plural_tasks.schema import Mode


@dataclass(frozen=True)
class Plan:
    """All queries of some tasks, and the communities that are asked about them.

    Attributes:
        communities: The communities of the run.
        queries: The queries of all tasks.
        tasks: The harness's tasks, with their requests.
    """

    communities: Communities
    queries: tuple[Query, ...]
    tasks: tuple[Any, ...] = ()

    def requests(self) -> list[MessageRequest]:
        """Every message that the method modplural would ask for, community by community."""
        return [request for _, asked in self.by_community().items() for _, request in asked]

    def by_community(self, task: str | None = None) -> dict[str, list[tuple[str, MessageRequest]]]:
        """Name of a community -> item id and request of each of its messages; with ``task`` of that task alone."""
        queries = [query for query in self.queries if task in (None, query.task)]
        return {
            member.name: [
                (query.item_id, request) for query in queries for request in self.communities.requests(query, member)
            ]
            for member in self.communities.pool.communities
        }


def make_plan(
    tasks: Sequence[str],
    store: MessageStore,
    *,
    limit: int | None = None,
    data: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    include_path: str | None = None,
    device: str | None = None,
    gen_kwargs: Mapping[str, Any] | None = None,
    **arguments: Any,
) -> Plan:
    """Load tasks and render what a run with these arguments would ask the communities.

    Args:
        tasks: Names of tasks, groups or tags.
        store: Store in which messages are looked up and kept.
        limit: Only the first documents of each task.
        data: File, folder or address of the task files, see `plural_tasks.sources.locate`.
        metadata: Values of ``--metadata``.
        include_path: Folder with further task YAML.
        device: Torch device of the message engines.
        gen_kwargs: Values of ``--gen_kwargs``.
        **arguments: Values of ``--model_args``.

    Raises:
        ModPluralError: If a task is unknown, or as `ModPluralLM` raises.
    """
    settings = read_arguments({"seed": DEFAULT_SEED, **{k: v for k, v in arguments.items() if v is not None}})
    communities = make_communities(settings, device, store=store)
    communities.asker.account = account_of_communities(settings, communities.pool)
    loaded = load_tasks(tasks, data, include_path, metadata)
    for task in loaded.values():
        if gen_kwargs and task.OUTPUT_TYPE == "generate_until":
            task.set_config(key="generation_kwargs", value=dict(gen_kwargs), update=True)
    return Plan(
        communities, tuple(_queries(loaded, limit, settings.chosen_mode, settings.attribute)), tuple(loaded.values())
    )


def _queries(tasks: dict[str, Any], limit: int | None, mode: Mode | None, attribute: str | None) -> list[Query]:
    queries: list[Query] = []
    for task in tasks.values():
        task.override_metric("bypass")  # nothing is scored, so no judge is looked up
        task.build_all_requests(limit=limit, rank=0, world_size=1)
        queries += read_queries(task.instances, mode=mode, attribute=attribute)
    return queries
