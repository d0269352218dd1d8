"""Apache Kafka in KRaft mode: one process, its jars from Maven, its data in a temporary folder."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from functools import cached_property
from pathlib import Path

from tests.broker import Broker, Process, free_port

__all__ = ["USER", "WORD", "ApacheKafka", "fetch_jars"]

USER, WORD = "ana", "right-word"
KEYSTORE_WORD = "keystore"
HERE = Path(__file__).parent


def fetch_jars() -> Path:
    """Let Maven copy the broker's jars (43 MB) into a folder, unless they are there already."""
    pom, folder = HERE / "pom.xml", HERE / "target" / "jars"
    done = folder / "complete"
    if not done.exists() or done.stat().st_mtime < pom.stat().st_mtime:
        shutil.rmtree(folder, ignore_errors=True)
        copy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
        command = ["mvn", "-q", "-B", "-f", str(pom), copy, f"-DoutputDirectory={folder}"]
        subprocess.run(command, check=True, timeout=600)
        done.touch()
    return folder


class ApacheKafka(Broker):
    """A broker that is its own controller; it also listens for log-ins and for TLS."""

    def __init__(self, folder: Path, jars: Path) -> None:
        super().__init__(folder)
        self.jars = jars
        self.sasl_servers = f"127.0.0.1:{free_port()}"
        self.tls_servers = f"127.0.0.1:{free_port()}"
        self.authority = folder / "authority.pem"
        self._controller = f"127.0.0.1:{free_port()}"

    def launch(self) -> Process:
        settings = self._formatted
        options = ["-Xms128m", "-Xmx384m", "-XX:TieredStopAtLevel=1"]
        return Process(self._java("kafka.Kafka", str(settings), *options), self.folder / "log.txt")

    def _java(self, program: str, argument: str, *options: str) -> list[str]:
        java = shutil.which("java")
        assert java is not None
        return [java, *options, "-cp", f"{self.jars}/*", program, argument]

    @cached_property
    def _formatted(self) -> Path:
        """Write the settings and format the storage; once, so that a restart keeps the records."""
        self._make_certificate()
        path = self.folder / "server.properties"
        path.write_text("\n".join(f"{key}={value}" for key, value in self._settings.items()))
        cluster = uuid.uuid4().hex[:22]
        command = self._java("kafka.tools.StorageTool", "format")
        subprocess.run(
            [*command, "--cluster-id", cluster, "--config", str(path)],
            check=True, timeout=60, capture_output=True,
        )  # fmt: skip
        return path

    @property
    def _settings(self) -> dict[str, str | int]:
        login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        public = {
            "PLAINTEXT": self.servers, "SASL_PLAINTEXT": self.sasl_servers, "SSL": self.tls_servers
        }  # fmt: skip
        listeners = [f"{name}://{servers}" for name, servers in public.items()]
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{self._controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": ",".join([*listeners, f"CONTROLLER://{self._controller}"]),
            "advertised.listeners": ",".join(listeners),
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,"
            "SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL",
            "inter.broker.listener.name": "PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": f'{login} user_{USER}="{WORD}";',
            "ssl.keystore.location": self.folder / "keystore.p12",
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.password": KEYSTORE_WORD,
            "log.dirs": self.folder / "data",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.num.partitions": 1,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # records of the suites lie in the past or in the future
            "log.retention.ms": -1,
            "log.message.timestamp.after.max.ms": 2**63 - 1,
            # topics are made by whoever asks for them, unless the client takes care: it must
            "auto.create.topics.enable": "true",
        }

    def _make_certificate(self) -> None:
        keytool = shutil.which("keytool")
        assert keytool is not None
        store = [
            "-alias", "broker", "-storetype", "PKCS12", "-storepass", KEYSTORE_WORD,
            "-keystore", str(self.folder / "keystore.p12"),
        ]  # fmt: skip
        name = ["-dname", "CN=broker", "-ext", "san=ip:127.0.0.1", "-keyalg", "EC"]
        for command in (
            ["-genkeypair", *name, "-validity", "30", *store],
            ["-exportcert", "-rfc", "-file", str(self.authority), *store],
        ):
            subprocess.run([keytool, *command], check=True, timeout=60, capture_output=True)
