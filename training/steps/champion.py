"""Which version of a model is in office, and since when.

The registry's aliases say who is champion now. Beside them every version that was promoted carries the as-of moment of
its promotion, so that a job replayed next year finds the champion that was in office then.
"""

from dataclasses import dataclass
from datetime import datetime

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from feature_store import Misuse, NotFound
from feature_store.errors import listed, suggestion
from feature_store.moments import utc
from feature_store.package.registry import make_ready

CHAMPION, CHALLENGER = "champion", "challenger"
PROMOTED_AS_OF, PROMOTION_REASON, PROMOTED_BY = "promoted_as_of", "promotion_reason", "promoted_by"
TRAINED_AS_OF, FINGERPRINT, REFUSED_BECAUSE = "trained_as_of", "training_fingerprint", "refused_because"


@dataclass(frozen=True)
class Champion:
    """A promoted version of a registered model, and the as-of moment of its promotion."""

    model: str
    version: str
    since: datetime

    @property
    def uri(self) -> str:
        """The version's address: ``models:/<name>/<version>``; an alias would move while a job runs."""
        return f"models:/{self.model}/{self.version}"


def promote(model: str, version: str, *, as_of: datetime, reason: str, by: str = "train-model") -> None:
    """Make ``version`` the champion from ``as_of`` on: tags first, then one move of the alias.

    A version that comes back into office keeps the tags of its first time; those of the second end in ``.2``.
    """
    client = MlflowClient()
    times = len(_moments(client.get_model_version(model, version)))
    again = f".{times + 1}" if times else ""
    client.set_model_version_tag(model, version, PROMOTED_BY + again, by)
    client.set_model_version_tag(model, version, PROMOTION_REASON + again, reason)
    client.set_model_version_tag(model, version, PROMOTED_AS_OF + again, utc(as_of).isoformat())
    settle(model)


def promote_by_hand(model: str, version: str, *, as_of: datetime, reason: str, by: str) -> str:
    """Make a version, or an alias's, champion as of now, whatever its gates said; the champion before, empty if none.

    Raises
    ------
    NotFound
        If there is no such version.
    Misuse
        If it is in office already, or another was promoted as of a later moment.
    """
    number = version_of(model, version)
    before = promotions(model)
    if before and before[-1].since > utc(as_of):
        raise Misuse(
            f"Version {before[-1].version} of {model} was promoted as of {before[-1].since:%Y-%m-%d %H:%M}, which is after "
            f"{as_of:%Y-%m-%d %H:%M}: nobody takes office before it."
        )
    if before and before[-1].version == number:
        raise Misuse(f"Version {number} of {model} is champion already, since {before[-1].since:%Y-%m-%d %H:%M}.")
    promote(model, number, as_of=as_of, reason=reason, by=by)
    return before[-1].version if before else ""


def roll_back(model: str, version: str, *, as_of: datetime, reason: str, by: str) -> str:
    """Make a version that was champion before champion again; the one that leaves office.

    Raises
    ------
    NotFound
        If there is no such version.
    Misuse
        If it never was champion, is so now, or another was promoted as of a later moment.
    """
    number = version_of(model, version)
    former = list(dict.fromkeys(champion.version for champion in promotions(model)))
    if number not in former:
        raise Misuse(
            f"Version {number} of {model} never was champion, so there is nothing to go back to; those that were: "
            f"{listed(former)}. To make it champion: train-model {model.split('.')[-1]} --promote {number}."
        )
    return promote_by_hand(model, number, as_of=as_of, reason=reason, by=by)


def version_of(model: str, wanted: str) -> str:
    """The number of a version, given by its number or by an alias.

    Raises
    ------
    NotFound
        If there is no such model, version or alias; those that there are are told.
    """
    make_ready()
    client = MlflowClient()
    known = [str(one.version) for one in versions(model)]
    if not known:
        prefix = model[: model.rindex(".") + 1]
        names = [one.name for one in client.search_registered_models() if one.name.startswith(prefix)]
        short = [one.removeprefix(prefix) for one in names]
        raise NotFound(f"There is no model {model}. {suggestion(model.removeprefix(prefix), short)}")
    if wanted in known:
        return wanted
    try:
        return str(client.get_model_version_by_alias(model, wanted).version)
    except MlflowException:
        aliases = sorted(client.get_registered_model(model).aliases)
        raise NotFound(
            f"Model {model} has no version {wanted!r}. Its versions: {listed(known)}; its aliases: {listed(aliases)}."
        ) from None


def _moments(version: ModelVersion) -> list[datetime]:
    """The moments as of which the version was promoted."""
    tags = version.tags.items()
    return [datetime.fromisoformat(value) for tag, value in tags if tag.split(".")[0] == PROMOTED_AS_OF]


def settle(model: str) -> None:
    """Give the alias to the version promoted last.

    That is not always the one just promoted: replaying an old moment must not depose a champion promoted later. And
    a run that was killed between tags and alias is put right by the next one.
    """
    MlflowClient().set_registered_model_alias(model, CHAMPION, promotions(model)[-1].version)


def versions(model: str) -> list[ModelVersion]:
    """All versions of a registered model, oldest first; none if there is no such model."""
    make_ready()
    found = mlflow.search_model_versions(filter_string=f"name = '{model}'")
    return sorted(found, key=lambda one: int(one.version))


def promotions(model: str) -> list[Champion]:
    """All versions that were ever promoted, in the order of their promotion; as of one moment, the newest comes last."""
    champions = [Champion(model, str(one.version), since) for one in versions(model) for since in _moments(one)]
    return sorted(champions, key=lambda champion: champion.since)


def champion_at(model: str, moment: datetime, *, alias: str = CHAMPION) -> Champion:
    """The champion in office at ``moment``; if none was yet, the first that came.

    An alias other than ``champion`` has no history: its version of today is meant.

    Raises
    ------
    NotFound
        If the model, or the alias, does not exist.
    """
    if alias != CHAMPION:
        return _by_alias(model, alias)
    champions = promotions(model)
    if not champions:
        known = versions(model)
        trained = (
            f"its versions {listed(str(one.version) for one in known)} were never promoted"
            if known
            else "it was never trained"
        )
        raise NotFound(f"Model {model} has no champion: {trained}. Run train-model {model.split('.')[-1]}.")
    in_office = [champion for champion in champions if champion.since <= utc(moment)]
    return in_office[-1] if in_office else champions[0]


def champion_before(model: str, as_of: datetime) -> Champion | None:
    """The champion that a challenger trained as of ``as_of`` has to beat: promoted before that moment."""
    earlier = [champion for champion in promotions(model) if champion.since < utc(as_of)]
    return earlier[-1] if earlier else None


def _by_alias(model: str, alias: str) -> Champion:
    try:
        version = MlflowClient().get_model_version_by_alias(model, alias)
    except MlflowException as error:
        raise NotFound(f"Model {model} has no alias {alias!r}: {error.message}") from error
    return Champion(model, str(version.version), datetime.fromtimestamp(version.creation_timestamp / 1000).astimezone())
