"""The manifests: judged by the schemas of Kubernetes, and held to what a rolling restart and a switch need."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend.api.http_server import STOP_SECONDS
from backend.config import Settings
from tests.test_commands import script

FOLDER = Path(__file__).resolve().parent.parent.parent / "deploy" / "kubernetes"
MANIFESTS = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml")
# What other software reads: the S3 client.
OUTSIDE = {"AWS_DEFAULT_REGION"}
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def manifests() -> dict[tuple[str, str], Manifest]:
    """Every object by kind and name."""
    every = [each for path in MANIFESTS for each in yaml.safe_load_all(path.read_text())]
    return {(each["kind"], each["metadata"]["name"]): each for each in every}


def pods(manifests: dict[tuple[str, str], Manifest]) -> dict[str, Manifest]:
    """The templates of pods by the name of what makes them."""
    found = {name: each["spec"]["template"] for (kind, name), each in manifests.items() if kind == "Deployment"}
    jobs = {
        name: each["spec"]["jobTemplate"]["spec"]["template"]
        for (kind, name), each in manifests.items()
        if kind == "CronJob"
    }
    return found | jobs


def test_every_manifest_is_what_kubernetes_takes() -> None:
    """The strict schemas hold: no unknown field, no wrong type, none missing."""
    checker = Path(sys.executable).parent / "kubernetes-validate"
    ended = subprocess.run([checker, "--strict", "--quiet", *MANIFESTS], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_all_is_applied_and_nothing_secret(manifests: dict[tuple[str, str], Manifest]) -> None:
    """kustomization.yaml names every file save the example of a secret, which holds placeholders alone."""
    named = set(yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"])
    assert named == {path.name for path in MANIFESTS} - {"secret.example.yaml"}
    for (kind, _name), each in manifests.items():
        if kind == "Secret":
            assert set(each["stringData"].values()) == {"changeme"}


def test_all_stands_in_one_namespace(manifests: dict[tuple[str, str], Manifest]) -> None:
    """Nothing lands in the namespace of whoever applies it."""
    for (kind, _name), each in manifests.items():
        if kind != "Namespace":
            assert each["metadata"]["namespace"] == "school"


def test_every_pod_is_shut_in(manifests: dict[tuple[str, str], Manifest]) -> None:
    """No root, no privileges, a read-only file system, no token of the cluster, a limit of memory."""
    for name, template in pods(manifests).items():
        pod = template["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        for container in pod["containers"]:
            own = container["securityContext"]
            assert (own["allowPrivilegeEscalation"], own["readOnlyRootFilesystem"]) == (False, True), name
            assert own["capabilities"] == {"drop": ["ALL"]}, name
            assert container["resources"]["requests"]["cpu"], name
            assert container["resources"]["limits"]["memory"], name


def test_what_serves_is_asked_and_leaves_in_order(manifests: dict[tuple[str, str], Manifest]) -> None:
    """Three probes at addresses of the app; a pod answers until proxies know, and has longer to stop than it needs."""
    for name in ("web-blue", "web-green", "api"):
        pod = manifests["Deployment", name]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        live, ready = "/api/v1/health/live", "/api/v1/health/ready"
        assert container["startupProbe"]["httpGet"]["path"] == live
        assert container["livenessProbe"]["httpGet"]["path"] == live  # not ready: a lost database restarts no pod
        assert container["readinessProbe"]["httpGet"]["path"] == ready
        drain = int(manifests["ConfigMap", "school"]["data"]["DRAIN_SECONDS"])
        unready = container["readinessProbe"]["periodSeconds"] * container["readinessProbe"]["failureThreshold"]
        assert unready <= drain <= pod["terminationGracePeriodSeconds"] - STOP_SECONDS - 20, name
        assert len(pod["topologySpreadConstraints"]) == 2, name


def test_no_restart_makes_fewer_pods(manifests: dict[tuple[str, str], Manifest]) -> None:
    """A new pod is ready before an old one leaves, and draining nodes takes one at a time."""
    for (kind, name), each in manifests.items():
        if kind == "Deployment":
            assert each["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}, name
    budgets = {name: each["spec"] for (kind, name), each in manifests.items() if kind == "PodDisruptionBudget"}
    assert set(budgets) == {"web", "api", "worker"}
    assert all(each["maxUnavailable"] == 1 for each in budgets.values())


def test_selectors_find_their_pods(manifests: dict[tuple[str, str], Manifest]) -> None:
    """Services, budgets and scalers point at something that is there, and a port that it opens."""
    labels = [template["metadata"]["labels"] for template in pods(manifests).values()]
    for (kind, name), each in manifests.items():
        spec = each.get("spec", {})
        wanted = spec.get("selector", {})
        wanted = wanted.get("matchLabels", wanted) if kind in ("Service", "PodDisruptionBudget") else None
        if wanted is not None:
            assert any(wanted.items() <= found.items() for found in labels), (kind, name)
        if kind == "HorizontalPodAutoscaler":
            target = spec["scaleTargetRef"]
            assert "replicas" not in manifests[target["kind"], target["name"]]["spec"]  # the scaler alone decides
    services = {name for kind, name in manifests if kind == "Service"}
    paths = [
        path
        for (kind, _name), each in manifests.items()
        if kind == "Ingress"
        for rule in each["spec"]["rules"]
        for path in rule["http"]["paths"]
    ]
    assert {path["backend"]["service"]["name"] for path in paths} <= services


def test_the_two_colours_are_alike(manifests: dict[tuple[str, str], Manifest]) -> None:
    """Blue and green differ by name, colour and number of pods: what was tried is what people get."""
    blue, green = (json.dumps(manifests["Deployment", f"web-{colour}"]) for colour in ("blue", "green"))
    assert blue.replace("blue", "green").replace('"replicas": 3', '"replicas": 0') == green


def test_nothing_goes_in_or_out_by_itself(manifests: dict[tuple[str, str], Manifest]) -> None:
    """One policy refuses everything to every pod; what others allow begins from there."""
    nothing = manifests["NetworkPolicy", "nothing"]["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    allowed = manifests["NetworkPolicy", "out-of-the-app"]["spec"]["podSelector"]["matchLabels"]
    assert all(allowed.items() <= pod["metadata"]["labels"].items() for pod in pods(manifests).values())


def reached(manifests: dict[tuple[str, str], Manifest], app: str) -> set[int]:
    """The ports on which pods of `app` may ask somebody."""
    labels, found = {"app": app, "part-of": "school"}, set[int]()
    for (kind, _name), each in manifests.items():
        if kind == "NetworkPolicy" and each["spec"]["podSelector"].get("matchLabels", {}).items() <= labels.items():
            found |= {port["port"] for rule in each["spec"].get("egress", []) for port in rule["ports"]}
    return found


def test_workers_reach_mail_buckets_and_collectors(manifests: dict[tuple[str, str], Manifest]) -> None:
    """Out of a worker lead names, databases, TLS, a bucket and a collector within the cluster, and mail; out of what
    people reach no mail does: letters are sent by workers alone."""
    assert {53, 27017, 6379, 443, 4318, 8333, 9000} <= reached(manifests, "web")
    assert reached(manifests, "worker") - reached(manifests, "web") == {25, 465, 587}
    assert manifests["ConfigMap", "school"]["data"].keys() >= {"MAIL_FROM", "TRACES_URL", "BACKUP_URL"}
    assert "smtp_url" in manifests["Secret", "school"]["stringData"]


def test_pages_stay_with_their_process(manifests: dict[tuple[str, str], Manifest]) -> None:
    """The ingress of pages is sticky by cookie; that of programs is not."""
    pages, programs = (manifests["Ingress", name]["metadata"]["annotations"] for name in ("web", "api"))
    assert pages["nginx.ingress.kubernetes.io/affinity"] == "cookie"
    assert "nginx.ingress.kubernetes.io/affinity" not in programs


def test_every_variable_is_a_setting(manifests: dict[tuple[str, str], Manifest]) -> None:
    """Nothing is told that nobody listens to, and secrets are files named like settings."""
    known = {name.upper() for name in Settings.model_fields} | OUTSIDE
    assert set(manifests["ConfigMap", "school"]["data"]) <= known
    assert {name.upper() for name in manifests["Secret", "school"]["stringData"]} <= known
    (worker,) = manifests["Deployment", "worker"]["spec"]["template"]["spec"]["containers"]
    assert {each["name"] for each in worker["env"]} <= known
    assert worker["livenessProbe"]["httpGet"]["path"] == "/health/live"


def test_backups_are_read_back_by_commands_that_exist(manifests: dict[tuple[str, str], Manifest]) -> None:
    """The jobs by the clock verify and drill, one at a time."""
    jobs = [each["spec"] for (kind, _name), each in manifests.items() if kind == "CronJob"]
    words = [each["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"] for each in jobs]
    assert sorted(words) == [["python", "-m", "backend.backup", word] for word in ("drill", "verify")]
    assert {each["concurrencyPolicy"] for each in jobs} == {"Forbid"}


def test_the_switch_turns_over_once_all_is_ready(tmp_path: Path) -> None:
    """switch.sh fills the other colour, waits, follows with API and worker, and only then changes the service."""
    said = _switch(tmp_path, "blue", "registry/school:2")
    steps = [
        "set image deployment/web-green web=registry/school:2",
        "scale deployment/web-green --replicas=3",
        "rollout status deployment/web-green",
        "rollout status deployment/api",
        "rollout status deployment/worker",
        'patch service web --patch {"spec":{"selector":{"app":"web","colour":"green"}}}',
        'patch service web-next --patch {"spec":{"selector":{"app":"web","colour":"blue"}}}',
    ]
    found = [next(number for number, line in enumerate(said) if step in line) for step in steps]
    assert found == sorted(found)


def test_the_switch_stays_where_it_is_if_the_new_one_is_not_ready(tmp_path: Path) -> None:
    """A version that does not become ready is seen by nobody."""
    said = _switch(tmp_path, "green", "registry/school:bad", fails="rollout")
    assert any("deployment/web-blue" in line for line in said)
    assert not any("patch" in line for line in said)


def test_the_switch_goes_back(tmp_path: Path) -> None:
    """--back shows the other colour again and changes no image."""
    said = _switch(tmp_path, "green", "--back")
    assert any("patch service web " in line and '"blue"' in line for line in said)
    assert not any("set image" in line for line in said)


def _switch(folder: Path, shown: str, *words: str, fails: str = "nothing") -> list[str]:
    """What switch.sh tells a kubectl that answers like a cluster in which `shown` is seen."""
    note = folder / "said"
    script(
        folder,
        "kubectl",
        f"""echo "$@" >> {note}
case "$*" in
    *{fails}*) exit 1 ;;
    *selector.colour*) printf {shown} ;;
    *spec.replicas*) printf 3 ;;
esac""",
    )
    subprocess.run(
        ["/bin/sh", FOLDER / "switch.sh", *words],
        env={"PATH": "/usr/bin:/bin", "KUBECTL": str(folder / "kubectl")},
        check=False,
        capture_output=True,
    )
    return note.read_text().splitlines()
