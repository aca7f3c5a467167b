"""Settings and the plant file: the only reader of `conf/` and of the environment. Values below are frozen and already checked."""

from factolake.config.plant import load_plant
from factolake.config.settings import Settings, data_folder, load_settings

__all__ = ["Settings", "data_folder", "load_plant", "load_settings"]
