"""Models of machines as assets: scores of what is new, challengers every week, and whether the input still looks as in the training.

None of them makes a champion: that takes a person.
"""

import dagster as dg

from factolake.contracts.silver import DOWNTIME
from factolake.contracts.silver_features import FEATURES_WINDOW, WINDOW_REGIMES
from factolake.contracts.silver_mes import MACHINE_ALERTS
from factolake.contracts.silver_scores import SCORES
from factolake.errors import ModelRefused
from pipelines.assets.shape import asset_key, spec_of
from pipelines.resources import LakeResource

CHALLENGERS, INPUT_DRIFT = dg.AssetKey(["models", "signals"]), dg.AssetKey(["models", "input_drift"])
_MINUTES = [asset_key(FEATURES_WINDOW), asset_key(WINDOW_REGIMES)]
_USUAL = [*_MINUTES, asset_key(DOWNTIME), asset_key(MACHINE_ALERTS.table)]


class TrainConfig(dg.Config):
    """`days`: how many whole UTC days before today are learnt from. `by`: who is named as the maker."""

    days: int = 28
    by: str = "dagster"


class DriftConfig(dg.Config):
    """`days`: how many whole UTC days before today are compared with the training."""

    days: int = 7


def signal_assets() -> list[dg.AssetsDefinition]:
    """All of them."""
    return [_scores(), _challengers(), _input_drift()]


def _scores() -> dg.AssetsDefinition:
    spec = spec_of(SCORES, [FEATURES_WINDOW, WINDOW_REGIMES], frozenset({"deltalake", "python"}))

    @dg.multi_asset(name="score_signals", specs=[spec])
    def score_signals(lake: LakeResource) -> dg.MaterializeResult[None]:
        try:
            found = lake.scoring().score_news()
        except ModelRefused as refused:  # there are no windows yet
            return dg.MaterializeResult(asset_key=asset_key(SCORES), metadata=_nothing(refused))
        facts = {"machines": sum(not one.why_not for one in found), "rows_written": sum(one.rows for one in found)}
        return dg.MaterializeResult(asset_key=asset_key(SCORES), metadata={**facts, "told": _listed([one.told for one in found])})

    return score_signals


def _challengers() -> dg.AssetsDefinition:
    said = "A challenger for every machine, fitted on the last weeks less stops and true alerts. Who promotes one is a person."

    @dg.multi_asset(name="train_signals", specs=[_model_spec(CHALLENGERS, said)])
    def train_signals(config: TrainConfig, lake: LakeResource) -> dg.MaterializeResult[None]:
        try:
            trained, cannot = lake.train_signals(config.days, config.by)
        except ModelRefused as refused:
            return dg.MaterializeResult(asset_key=CHALLENGERS, metadata=_nothing(refused))
        told = [*(one.told for one in trained), *(f"{machine}: not trained; {why}" for machine, why in cannot.items())]
        return dg.MaterializeResult(asset_key=CHALLENGERS, metadata={"challengers": len(trained), "refused": len(cannot), "told": _listed(told)})

    return train_signals


def _input_drift() -> dg.AssetsDefinition:
    said = "How far the values of each machine's signals have gone from those its champion was fitted on (population stability index)."

    @dg.multi_asset(name="look_at_input", specs=[_model_spec(INPUT_DRIFT, said)])
    def look_at_input(config: DriftConfig, lake: LakeResource) -> dg.MaterializeResult[None]:
        try:
            found = lake.input_drift(config.days)
        except ModelRefused as refused:
            return dg.MaterializeResult(asset_key=INPUT_DRIFT, metadata=_nothing(refused))
        columns = {"machine": "string", "signal": "string", "index": "float", "rows": "int", "verdict": "string"}
        schema = dg.TableSchema([dg.TableColumn(name, kind) for name, kind in columns.items()])
        records = [
            dg.TableRecord({"machine": one.machine, "signal": far.signal, "index": far.index, "rows": far.rows, "verdict": far.verdict})
            for one in found
            for far in one.signals
        ]
        told = _listed([f"{one.machine}: not compared; {one.why_not}" for one in found if one.why_not])
        shifted = sum(one.has_shifted for one in found)
        metadata = {"shifted_machines": dg.MetadataValue.int(shifted), "signals": dg.MetadataValue.table(records, schema), "told": told}
        return dg.MaterializeResult(asset_key=INPUT_DRIFT, metadata=metadata)

    return look_at_input


def _model_spec(key: dg.AssetKey, said: str) -> dg.AssetSpec:
    return dg.AssetSpec(key, deps=_USUAL, description=said, group_name="models", owners=["team:plant-engineering"], kinds={"python", "mlflow"})


def _listed(lines: list[str]) -> dg.MarkdownMetadataValue:
    return dg.MarkdownMetadataValue("\n".join(f"- {line}" for line in lines) or "Nothing.")


def _nothing(refused: ModelRefused) -> dict[str, dg.MetadataValue[str]]:
    return {"told": _listed([str(refused)])}
