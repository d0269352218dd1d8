"""What the Kafka source and the Kafka sink share: settings, client configuration, errors."""

from streamops_nb.kafka_client.connection import PATIENCE, Connection
from streamops_nb.kafka_client.endpoint import Endpoint, Security

__all__ = ["PATIENCE", "Connection", "Endpoint", "Security"]
