"""`python -m config.testing.template`: have the database ready that test databases are cloned from."""

import os

from config import embedded
from config.embedded.postgres import Cluster
from config.testing import database


def main() -> None:
    embedded.ensure()
    cluster = Cluster(test=True)
    if os.environ["DATABASE_URL"] == cluster.url():  # on a server that somebody else gave us there is no template
        database.template(cluster)


if __name__ == "__main__":
    main()
