"""What a training is called among others on the same data: its strategy, and the settings that
somebody changed.
"""

from __future__ import annotations

from dataclasses import fields

from tl_core.config import SETTINGS, STRATEGIES, FinetuneSettings, RunConfig, Strategy

_OTHERS = {
    "baseline": "No transfer",
    "ladder": "All strategies compared (ladder)",
    "auto": "Automatic search",
}
_UNTOLD = ("strategy", "baseline", "prompts", "continue_from", "sources")
_CONTINUED = ("lp_start", "scratch", "average")  # what `longer` switches off
_MOST = 4  # settings in a name


def strategy_title(config: RunConfig) -> str:
    """The standard name of what it does, such as *Fine-tune from a probe (LP-FT)*."""
    if config.recipe in _OTHERS:
        return _OTHERS[config.recipe]
    return _card(config).title


def _card(config: RunConfig) -> Strategy:
    """The strategy that a recipe's settings belong to; a fine-tuning names it, the others show it
    by their values.
    """
    cards = [card for card in STRATEGIES.values() if card.recipe == config.recipe]
    if config.recipe == "finetune":
        return STRATEGIES[str(config.options.get("strategy", FinetuneSettings.strategy))]
    return next(
        (
            card
            for card in cards
            if card.values
            and all(config.options.get(key) == value for key, value in card.values.items())
        ),
        cards[0],
    )


def differences(config: RunConfig) -> list[str]:
    """Settings that are neither the recipe's nor the strategy's own, such as `seed 3`, in form
    order.
    """
    own = {} if config.recipe in _OTHERS else _card(config).values
    continued = bool(config.options.get("continue_from"))
    named: list[str] = []
    for spec in fields(SETTINGS[config.recipe]):
        usual = own.get(spec.name, spec.default)
        value = config.options.get(spec.name, usual)
        if (
            value in (usual, [], ())
            or spec.name in _UNTOLD
            or (continued and spec.name in _CONTINUED)
        ):
            continue
        words = spec.name.replace("_", " ")
        if isinstance(value, bool):
            named.append(words if value else f"no {words}")
        else:
            shown = (
                f"{value:g}"
                if isinstance(value, float)
                else ", ".join(map(str, value))
                if isinstance(value, list | tuple)
                else str(value)
            )
            named.append(f"{words} {shown}")
    return named


def name_of(config: RunConfig) -> str:
    """Strategy and what differs, such as `Fine-tune from a probe (LP-FT) · epochs 12 · seed 3`."""
    title = strategy_title(config) + (", continued" if config.options.get("continue_from") else "")
    named = differences(config)
    more = [f"{len(named) - _MOST} more"] if len(named) > _MOST else []
    return " · ".join([title, *named[:_MOST], *more])
