"""PostgreSQL: the one place where FastDeploy keeps what it knows."""
