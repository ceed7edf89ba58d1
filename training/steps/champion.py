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

from feature_store import NotFound
from feature_store.errors import listed
from feature_store.moments import utc
from feature_store.package.registry import make_ready

CHAMPION, CHALLENGER = "champion", "challenger"
PROMOTED_AS_OF, PROMOTION_REASON = "promoted_as_of", "promotion_reason"
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


def promote(model: str, version: str, *, as_of: datetime, reason: str) -> None:
    """Make ``version`` the champion from ``as_of`` on: tags first, then one move of the alias."""
    client = MlflowClient()
    client.set_model_version_tag(model, version, PROMOTED_AS_OF, utc(as_of).isoformat())
    client.set_model_version_tag(model, version, PROMOTION_REASON, reason)
    settle(model)


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
    promoted = [one for one in versions(model) if PROMOTED_AS_OF in one.tags]
    champions = [
        Champion(model, str(one.version), datetime.fromisoformat(one.tags[PROMOTED_AS_OF])) for one in promoted
    ]
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
