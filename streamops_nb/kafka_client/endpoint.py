"""Settings: which topic of which cluster, and how to log in."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = ["Endpoint", "Security"]

_OWN = frozenset(
    (
        "allow.auto.create.topics",
        "auto.offset.reset",
        "bootstrap.servers",
        "delivery.report.only.error",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.partition.eof",
        "transactional.id",
    )
)


class Security(BaseModel):
    """How to log in; whatever is not listed here can be given under ``options``.

    Parameters
    ----------
    protocol
        ``PLAINTEXT`` (default), ``SSL``, ``SASL_PLAINTEXT`` or ``SASL_SSL``.
    mechanism
        For the SASL protocols: ``PLAIN``, ``SCRAM-SHA-256``, ``SCRAM-SHA-512``, …
    username, password
        For the SASL protocols; write the password as a reference, ``${env:KAFKA_PASSWORD}``.
    ca, certificate, key, key_password
        Files with the authority's certificate and with the client's own certificate and key.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    mechanism: (
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI"] | None
    ) = None
    username: str | None = None
    password: str | None = Field(default=None, repr=False)
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    key_password: str | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _belong_together(self) -> Security:
        sasl = self.protocol.startswith("SASL")
        if sasl and self.mechanism is None:
            raise ValueError(f"protocol {self.protocol} needs a mechanism, for example PLAIN")
        if not sasl and (self.mechanism or self.username or self.password):
            raise ValueError(
                f"protocol {self.protocol} has no log-in: set protocol to SASL_SSL "
                "(or SASL_PLAINTEXT), or leave out mechanism, username and password"
            )
        if "SSL" not in self.protocol and (self.ca or self.certificate or self.key):
            raise ValueError(
                f"protocol {self.protocol} has no TLS: set protocol to SSL or SASL_SSL, "
                "or leave out ca, certificate and key"
            )
        return self

    def options(self) -> dict[str, str]:
        """Give the settings under librdkafka's names."""
        written = {
            "security.protocol": self.protocol,
            "sasl.mechanism": self.mechanism,
            "sasl.username": self.username,
            "sasl.password": self.password,
            "ssl.ca.location": self.ca,
            "ssl.certificate.location": self.certificate,
            "ssl.key.location": self.key,
            "ssl.key.password": self.key_password,
        }
        return {name: value for name, value in written.items() if value is not None}


class Endpoint(BaseModel):
    """Which topic of which cluster, and how to reach it.

    Parameters
    ----------
    servers
        Brokers to ask first: ``host:9092`` or ``host1:9092,host2:9092``.
    topic
        The topic's name; it must exist.
    security
        How to log in.
    options
        Further client options under librdkafka's names (``fetch.max.bytes: 1000000``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    servers: str = Field(min_length=1)
    topic: str = Field(min_length=1, max_length=249)
    security: Security = Security()
    options: dict[str, str | int | float | bool] = Field(default={}, repr=False)

    @field_validator("options")
    @classmethod
    def _not_ours(
        cls, options: dict[str, str | int | float | bool]
    ) -> dict[str, str | int | float | bool]:
        taken = sorted(_OWN & options.keys())
        if taken:
            raise ValueError(
                f"{', '.join(taken)} cannot be set: what the job promises rests on it - "
                "remove it from options"
            )
        return options
