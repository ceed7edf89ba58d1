"""Models that carry their features: logging them in the documented layout, and finding them again.

``<model>/data/feature_store`` is a :class:`~feature_store.package.contents.Package` with the model itself in ``raw_model``.
"""

import contextlib
import io
import re
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec

from feature_store.errors import Misuse, NotFound, WrongKind, listed
from feature_store.package.contents import LINEAGE_FILE, Package
from feature_store.package.feature_spec import FeatureSpec
from feature_store.package.registry import PACKAGED
from feature_store.package.training_set import LocalTrainingSet

__all__ = ["LINEAGE_FILE", "ModelPackage", "log_model", "packaged_folder"]

LOADER = "feature_store.loader"
"""Named in every packaged model: it must never move."""
_TYPES = {
    "string": "string", "int": "integer", "smallint": "integer", "bigint": "long", "float": "float",
    "double": "double", "boolean": "boolean", "timestamp": "datetime", "date": "datetime", "binary": "binary",
}  # fmt: skip
_REQUIREMENTS = ("mlflow", "numpy", "pandas", "pyarrow", "cloudpickle")
_ADDRESSES = re.compile(r"runs:/[^/]+/.+|models:/(m-[^/@]+|[^/@]+/[^/@]+|[^/@]+@[^/@]+)")


@dataclass(frozen=True, kw_only=True)
class ModelPackage:
    """What :func:`log_model` is asked to package; ``artifact_path`` is the model's name within the run."""

    model: object
    artifact_path: str
    flavor: ModuleType
    training_set: LocalTrainingSet
    lineage: Mapping[str, object]
    output_schema: Schema | None
    infer_input_example: bool
    extra_pip_requirements: Sequence[str]
    flavor_options: Mapping[str, Any]

    @property
    def requirements(self) -> list[str]:
        """What the model, and its features, need to be loaded elsewhere."""
        own: list[str] = getattr(self.flavor, "get_default_pip_requirements", list)()
        ours = [f"{name}=={installed(name)}" for name in _REQUIREMENTS]
        extra = [*self.training_set.extra_pip_requirements, *self.extra_pip_requirements]
        return list(dict.fromkeys([*ours, *own, *extra]))

    def outputs(self) -> Schema | None:
        """What the model gives: its labels, or what it was said to give."""
        if self.output_schema is not None:
            return self.output_schema
        schema, labels = self.training_set.df.schema, self.training_set.labels
        kinds = {label: schema[label].dataType.simpleString() for label in labels}
        columns: list[ColSpec | TensorSpec] = [
            ColSpec(_TYPES[kind], label) for label, kind in kinds.items() if kind in _TYPES
        ]
        return Schema(columns) if columns else None


def log_model(
    package: ModelPackage, *, registered_model_name: str | None, await_registration_for: int | None
) -> ModelInfo:
    """Package and log the model to the active run.

    Raises
    ------
    Misuse, WrongKind
        If the arguments contradict each other; nothing has been logged then.
    """
    example = _example(package.training_set) if package.infer_input_example else None
    requirements, outputs, training_set = package.requirements, package.outputs(), package.training_set
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "feature_store"
        Package(
            spec=training_set.feature_spec,
            code=training_set.code,
            keys=training_set.keys,
            lineage={"tables": dict(training_set.table_versions), **package.lineage},
        ).save(folder)
        # The model itself takes what it is given: what that is, the outer signature says.
        signed = {} if outputs is None else {"signature": ModelSignature(outputs=outputs)}
        raw = {"pip_requirements": requirements, **signed, **package.flavor_options}
        # A pyfunc model is given under a name of its own.
        model = {"python_model": package.model} if package.flavor is mlflow.pyfunc else {}
        arguments = [] if model else [package.model]
        package.flavor.save_model(*arguments, path=str(folder / "raw_model"), **model, **raw)
        warnings.filterwarnings("ignore", message="(?s).*input example was not provided", module="mlflow")
        # MLflow tells of each registration on standard error; our own progress says it better.
        with contextlib.redirect_stderr(io.StringIO()):
            logged: ModelInfo = mlflow.pyfunc.log_model(
                name=package.artifact_path,
                loader_module=LOADER,
                data_path=str(folder),
                signature=signature(training_set.feature_spec, outputs),
                input_example=example,
                pip_requirements=requirements,
                registered_model_name=registered_model_name,
                await_registration_for=await_registration_for,
            )
        return logged


def signature(spec: FeatureSpec, outputs: Schema | None) -> ModelSignature | None:
    """Source columns are required; features may be given to override them. None if a source's type has no counterpart."""
    unknown = [f"{column.name} ({column.data_type})" for column in spec.sources if column.data_type not in _TYPES]
    if unknown:
        warnings.warn(f"The model has no signature: MLflow has no type for {listed(unknown)}.", stacklevel=2)
        return None
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(_TYPES[column.data_type], column.name, required=True) for column in spec.sources
    ]
    inputs += [
        ColSpec(_TYPES[column.data_type], column.name, required=False)
        for column in spec.computed
        if column.data_type in _TYPES
    ]
    params = ParamSchema([ParamSpec("result_type", "string", "NO_RESULT_TYPE")])
    return ModelSignature(inputs=Schema(inputs), outputs=outputs, params=params)


def _example(training_set: LocalTrainingSet) -> pd.DataFrame:
    names = [column.name for column in training_set.feature_spec.sources]
    found = training_set.df.select(*(f"`{name}`" for name in names)).limit(1).toPandas()
    if found.empty:
        raise Misuse("infer_input_example needs a row, and the training set has none. Leave it out.")
    return found


def checked(training_set: object, output_schema: object, artifact_path: object) -> LocalTrainingSet:
    """The training set, once it is clear that a model can be packaged with it.

    Raises
    ------
    Misuse, WrongKind
        If one of these is of another kind, or the model has no name.
    """
    if not isinstance(artifact_path, str) or not artifact_path:
        raise Misuse(f"artifact_path is the model's name within its run, and cannot be {artifact_path!r}.")
    if not isinstance(training_set, LocalTrainingSet):
        raise WrongKind("log_model needs the training_set that create_training_set returned.")
    if output_schema is not None and not isinstance(output_schema, Schema):
        raise WrongKind(f"output_schema is a mlflow.types.Schema, not a {type(output_schema).__name__}.")
    return training_set


def packaged_folder(model_uri: str) -> Path:
    """The model's ``data/feature_store`` folder, fetched if it is elsewhere.

    A model is code that will be run, so it is taken from the configured registry and its runs, and from nowhere else.

    Raises
    ------
    NotFound
        If there is no such model.
    Misuse
        If the address is of another form, or the model was packaged without features.
    """
    if not isinstance(model_uri, str) or not _ADDRESSES.fullmatch(model_uri):
        raise Misuse(
            f"{model_uri!r} is not the address of a model. Write models:/catalog.schema.model@alias, "
            "models:/catalog.schema.model/version or runs:/run/artifact_path; files and downloads are not taken."
        )
    try:
        root = Path(mlflow.artifacts.download_artifacts(artifact_uri=model_uri))
    except (mlflow.exceptions.MlflowException, OSError) as error:
        raise NotFound(f"There is no model {model_uri!r}: {error}") from error
    folder = root / PACKAGED
    if not folder.is_dir():
        raise Misuse(
            f"Model {model_uri!r} was not packaged with features, so keys alone cannot be scored. "
            "Log it with store.log_model(..., training_set=...)."
        )
    return folder
