"""Everything that is wrong with a graph, each fault with its node: what would leave people stranded, or send them
nothing, or send it for ever."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from campaigns.choices import SENDS, WAITS, AwaitedEvent, Exit, NodeType, WaitMode
from campaigns.rules import conditions
from campaigns.rules.composing import Content
from campaigns.rules.config_fields import faults_of
from campaigns.rules.drawings import Drawing, DrawnEdge, DrawnNode
from campaigns.rules.links import may_have_link
from campaigns.rules.node_types import CHANNEL_OF, SHAPES, fields_of
from campaigns.rules.rendering import tags_of, unknown_tags
from campaigns.rules.splits import WHOLE
from crm.choices import Channel

MOST_NODES: Final = 500
LONGEST_KEY: Final = 80
_CALLS: Final = AwaitedEvent.CALL_OUTCOME


@dataclass(frozen=True, slots=True)
class Fault:
    """``node`` is the key of the node at fault, "" where it is the drawing; ``field`` one of its settings."""

    code: str
    message: str
    node: str = ""
    field: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What a graph refers to. ``statuses`` are those in use, ``off`` those that are switched off, ``dispositions`` the
    outcomes that a call may have, ``senders`` the channels that somebody sends on, ``says`` the merge tags that a
    campaign answers alike for everybody; None: neither of these two has been chosen yet, as in a template, so neither
    is missing.
    """

    contents: Mapping[str, Content] = field(default_factory=dict)
    statuses: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    dispositions: frozenset[str] = frozenset()
    senders: frozenset[str] | None = None
    says: Mapping[str, str] | None = None


def faults(drawing: Drawing, surroundings: Surroundings) -> list[Fault]:
    """Return every fault of ``drawing``, those of the whole first, then node by node; that it is too large says all."""
    if len(drawing.nodes) > MOST_NODES:
        return [Fault("too_large", f"It has {len(drawing.nodes)} nodes: make it {MOST_NODES} at most.")]
    whole = list(_of_the_whole(drawing))
    nodes = [fault for node in drawing.nodes for fault in _of_node(drawing, node, surroundings)]
    return whole + nodes


def _of_the_whole(drawing: Drawing) -> Iterator[Fault]:
    if not drawing.nodes:
        yield Fault("empty", "A campaign without nodes does nothing: add one.")
        return
    yield from _of_ends(drawing)
    yield from _of_reach(drawing)
    yield from _of_loops(drawing)


def _of_ends(drawing: Drawing) -> Iterator[Fault]:
    for key, times in Counter(node.key for node in drawing.nodes).items():
        if times > 1:
            yield Fault("same_key", f"{times} nodes have this key: give each its own.", key)
    for edge in drawing.edges:
        for end in (edge.source, edge.target):
            if end not in drawing.by_key:
                yield Fault("no_such_node", f"An edge leads from {edge.source} to {edge.target}.", end)


def _of_reach(drawing: Drawing) -> Iterator[Fault]:
    if drawing.start not in drawing.by_key:
        yield Fault("no_start", "Say at which node everybody begins.")
    if drawing.on_reply and drawing.on_reply not in drawing.by_key:
        yield Fault("no_reply_node", f"A reply leads to {drawing.on_reply!r}, and there is no such node.")
    if drawing.start not in drawing.by_key:
        return
    reached = drawing.reached()
    for node in drawing.nodes:
        if node.key not in reached:
            yield Fault("unreachable", "Nobody ever comes here: lead an edge to it, or delete it.", node.key)


def _of_loops(drawing: Drawing) -> Iterator[Fault]:
    """A loop needs a jump, which counts its rounds, and a wait, or it would be through with them at once."""
    of_type = {kind: [node.key for node in drawing.nodes if node.type == kind] for kind in NodeType.values}
    for loop in drawing.loops(without=of_type[NodeType.JUMP]):
        yield Fault("endless_loop", f"{_way(loop)} never ends: go back through a jump, which counts.", loop[0])
    for loop in drawing.loops(without=[node.key for node in drawing.nodes if _waits_every_time(node)]):
        said = "goes round without a wait: put one in, for a while or until a weekday, because a day is over for good."
        yield Fault("loop_without_wait", f"{_way(loop)} {said}", loop[0])


def _waits_every_time(node: DrawnNode) -> bool:
    """Once a day has come, whoever waits for it goes on at once."""
    return node.type in WAITS and node.config.get("mode") not in (WaitMode.DATE, WaitMode.EVENT)


def _way(loop: list[str]) -> str:
    return " > ".join([*loop, loop[0]][:8])


def _of_node(drawing: Drawing, node: DrawnNode, surroundings: Surroundings) -> Iterator[Fault]:
    if not 0 < len(node.key) <= LONGEST_KEY:
        yield Fault("bad_key", f"A key has 1 to {LONGEST_KEY} characters.", node.key[:LONGEST_KEY])
    if node.type not in SHAPES:
        yield Fault("unknown_type", f"There is no type {node.type!r}: {', '.join(NodeType.values)}.", node.key, "type")
        return
    for name, said in faults_of(node.config, fields_of(node.type, node.config)):
        yield Fault("bad_setting", f"{name}: {said}", node.key, name)
    yield from _of_exits(node, drawing.leaving(node.key), surroundings)
    if node.type in CHANNEL_OF:
        yield from _of_content(node, surroundings)
    if node.type in SENDS:
        yield from _of_send(node, surroundings)
    if node.type in WAITS:
        yield from _of_wait(node, surroundings)
        yield from _of_click(drawing, node, surroundings)
    if node.type == NodeType.STAGE:
        yield from _of_stage(node, surroundings)


def _of_stage(node: DrawnNode, surroundings: Surroundings) -> Iterator[Fault]:
    told = node.config.get("status")
    status = told.strip() if isinstance(told, str) else ""
    if status in surroundings.off:
        said = f"The status {status!r} is switched off: switch it on, or choose another."
        yield Fault("status_off", said, node.key, "status")
    elif status and status not in surroundings.statuses:
        yield Fault("unknown_status", f"There is no status {told!r}.", node.key, "status")


def _of_wait(node: DrawnNode, surroundings: Surroundings) -> Iterator[Fault]:
    if node.config.get("mode") == WaitMode.EVENT and surroundings.says and not surroundings.says["event.date"]:
        yield Fault("no_event", "It waits for the day of an event, and there is none: say when it is.", node.key)
    if node.type == NodeType.WAIT_FOR and "outcomes" in node.config and node.config.get("event") != _CALLS:
        yield Fault("needless_outcomes", "Only a call has outcomes: leave them out.", node.key, "outcomes")
    outcomes = node.config.get("outcomes")
    for outcome in outcomes if isinstance(outcomes, list) else []:
        if isinstance(outcome, str) and outcome not in surroundings.dispositions:
            yield Fault("unknown_outcome", f"No call ends as {outcome!r}.", node.key, "outcomes")


def _of_click(drawing: Drawing, node: DrawnNode, surroundings: Surroundings) -> Iterator[Fault]:
    """Only of e-mails clicks are reported, and only of those with a link there are any."""
    if node.config.get("event") != AwaitedEvent.LINK_CLICK:
        return
    mails = [drawing.by_key[key] for key in drawing.before(node.key) if drawing.by_key[key].type == NodeType.EMAIL_SEND]
    if not mails:
        yield Fault(
            "no_email", "No e-mail comes before it: whoever waits for a click waits in vain.", node.key, "event"
        )
    elif not any(_may_have_link(mail, surroundings) for mail in mails):
        said = "No e-mail before it has a link: write one (https://...) into its text, or nobody can click."
        yield Fault("no_link", said, node.key, "event")


def _may_have_link(mail: DrawnNode, surroundings: Surroundings) -> bool:
    content = surroundings.contents.get(str(mail.config.get("content")))
    return content is None or may_have_link(content.body, surroundings.says)  # that there is none is said of the mail


# Exits


def _of_exits(node: DrawnNode, edges: list[DrawnEdge], surroundings: Surroundings) -> Iterator[Fault]:
    yield from _of_labels(node, Counter(edge.label for edge in edges))
    if node.type == NodeType.BRANCH:
        yield from _of_branch(node, edges, surroundings)
    elif node.type == NodeType.SPLIT:
        yield from _of_split(node, edges)
    elif any(edge.condition for edge in edges):
        yield Fault("needless_condition", "Only a branch asks conditions: put one before.", node.key)


def _of_labels(node: DrawnNode, labels: Counter[str]) -> Iterator[Fault]:
    shape = SHAPES[node.type]
    for label, times in labels.items():
        if times > 1:
            yield Fault("same_exit", f"{times} edges leave by {label!r}: one exit leads to one node.", node.key)
        if label not in shape.exits and not shape.own_exits:
            known = ", ".join(shape.exits) or "none"
            yield Fault("unknown_exit", f"An edge leaves by {label!r}; exits are: {known}.", node.key)
    for label, needed in shape.exits.items():
        if needed and label not in labels:
            yield Fault(f"missing_{label}", f"Say what happens next: no edge leaves by {str(label)!r}.", node.key)


def _of_branch(node: DrawnNode, edges: Iterable[DrawnEdge], surroundings: Surroundings) -> Iterator[Fault]:
    asked = [edge for edge in edges if edge.label != Exit.ELSE]
    if not asked:
        yield Fault("no_condition", "A branch that asks nothing is none: add an edge with a condition.", node.key)
    for edge in edges:
        if edge.label == Exit.ELSE and edge.condition:
            yield Fault("needless_condition", "Else is for everybody who is left: it asks nothing.", node.key)
    for edge in asked:
        for said in conditions.faults(edge.condition) or _unheard_of(edge, surroundings):
            yield Fault("bad_condition", f"{edge.label}: {said}", node.key)


def _unheard_of(edge: DrawnEdge, surroundings: Surroundings) -> Iterator[str]:
    """Yield what is wrong with a condition that compares with a name which there is not: it never holds."""
    known = {"enrollment.status": surroundings.statuses, "last.disposition": surroundings.dispositions}
    for fact, names in known.items():
        for text in conditions.named(edge.condition, fact):
            if not conditions.is_among(text, names):
                yield f"{conditions.FACTS[fact]} is never {text!r}."


def _of_split(node: DrawnNode, edges: list[DrawnEdge]) -> Iterator[Fault]:
    weights = [edge.condition.get("weight") for edge in edges]
    fit = all(isinstance(weight, int) and not isinstance(weight, bool) and weight > 0 for weight in weights)
    if len(edges) < 2:
        yield Fault("no_split", "A split needs at least two ways.", node.key)
    elif not fit or any(edge.condition.keys() != {"weight"} for edge in edges):
        yield Fault("bad_weight", f"Give every way a weight: whole numbers that add up to {WHOLE}.", node.key)
    elif (total := sum(weight for weight in weights if weight)) != WHOLE:
        yield Fault("bad_weight", f"The weights add up to {total}: make them {WHOLE}.", node.key)


# Sends


def _of_content(node: DrawnNode, surroundings: Surroundings) -> Iterator[Fault]:
    name = "script" if node.type == NodeType.CALL_TASK else "content"
    key = node.config.get(name)
    if not isinstance(key, str) or not key:
        return  # its field has said so where it is needed
    content, channel = surroundings.contents.get(key), CHANNEL_OF[NodeType(node.type)]
    if content is None:
        yield Fault("no_content", f"There is no content {key!r}.", node.key, name)
        return
    if content.channel != channel:
        yield Fault("other_channel", f"{key!r} is for {content.channel}, not for {channel.value}.", node.key, name)
    text = f"{content.subject}\n{content.body}"
    if unknown := unknown_tags(text):
        yield Fault("unknown_tag", f"{key!r} asks for {', '.join(unknown)}, which nobody knows.", node.key, name)
    if unsaid := _unsaid(text, surroundings.says or {}):
        said = f"{key!r} asks for {', '.join(unsaid)}: say it in the campaign, or write words for where it is missing."
        yield Fault("unsaid_tag", said, node.key, name)


def _unsaid(text: str, says: Mapping[str, str]) -> list[str]:
    """Return what ``text`` would have to say to everybody and cannot: nobody would get it."""
    asked = dict.fromkeys(tag.name for tag in tags_of(text) if tag.fallback is None)
    return [name for name in asked if not says.get(name, "known of each of them")]


def _of_send(node: DrawnNode, surroundings: Surroundings) -> Iterator[Fault]:
    channel = CHANNEL_OF[NodeType(node.type)]
    if surroundings.senders is not None and channel not in surroundings.senders:
        yield Fault("no_sender", f"Nobody sends by {channel.label}: choose a sender who can.", node.key)
    if channel is Channel.VOICEMAIL and "consent" not in node.config:
        said = "A voicemail is a call with a recorded voice: say which consent it needs."
        yield Fault("no_consent_rule", said, node.key, "consent")
