"""MLflow's experiments: found, brought back, or made."""

KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Makes MLflow show an experiment's pages for model training, not those for language models."""


def experiment_id(client, name: str, location: str | None) -> str:
    """The id of an experiment, which is made where there is none; also if another process makes it at the same time."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return found.experiment_id
    try:
        return client.create_experiment(name, artifact_location=location, tags=KIND)
    except Exception:
        made_meanwhile = client.get_experiment_by_name(name)
        if made_meanwhile is None:
            raise
        return made_meanwhile.experiment_id
