"""Domains of arguments that several signatures share; recipes are checked against them."""

from typing import Annotated

from pydantic import Field

Positive = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Share = Annotated[float, Field(gt=0, lt=1)]
