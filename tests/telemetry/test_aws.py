from __future__ import annotations

import json

import pytest

from telemetry import TelemetryError, decode
from telemetry.aws import (
    ErrorResponse,
    JobStatus,
    JobTopics,
    JobUpdate,
    NextJob,
    ShadowName,
    ShadowTopics,
    answers,
    parse_shadow_request,
    shadow_requests,
)
from telemetry.aws_provisioning import (
    CertificateIssued,
    ProvisioningTopics,
)


@pytest.mark.parametrize("name", list(ShadowName))
@pytest.mark.parametrize("action", ["update", "get", "delete"])
def test_requests_to_a_shadow_come_back_from_the_parser(name: ShadowName, action: str) -> None:
    topic = ShadowTopics("edge-7", name).of(action)
    request = parse_shadow_request(str(topic))
    assert (request.topics.thing, request.topics.name, request.action) == ("edge-7", name, action)
    assert sum(each.matches(str(topic)) for each in shadow_requests()) == 1


def test_shadow_topics_have_aws_names() -> None:
    assert str(ShadowTopics("t").update) == "$aws/things/t/shadow/update"
    assert str(ShadowTopics("t", ShadowName.BAYS).delta) == (
        "$aws/things/t/shadow/name/bays/update/delta"
    )
    assert str(ShadowTopics("t", root="aws").get) == "aws/things/t/shadow/get"
    assert str(answers(ShadowTopics("t").get)[1]) == "$aws/things/t/shadow/get/rejected"


@pytest.mark.parametrize(
    "topic",
    [
        "$aws/things/t/shadow/update/accepted",
        "$aws/things/t/shadow/name/other/update",
        "$aws/things/a b/shadow/update",
        "pk/things/t/shadow/update",
        "",
    ],
)
def test_topics_that_ask_a_shadow_nothing(topic: str) -> None:
    with pytest.raises(TelemetryError, match="expected"):
        parse_shadow_request(topic)


def test_job_and_provisioning_topics() -> None:
    jobs = JobTopics("edge-7")
    assert str(jobs.notify_next) == "$aws/things/edge-7/jobs/notify-next"
    assert str(jobs.start_next_accepted) == "$aws/things/edge-7/jobs/start-next/accepted"
    assert jobs.update_answers.matches(str(jobs.update_rejected("j1")))
    provisioning = ProvisioningTopics("fleet")
    assert str(provisioning.create) == "$aws/certificates/create-from-csr/json"
    assert str(provisioning.provision) == "$aws/provisioning-templates/fleet/provision/json"
    for wrong in ("a/b", "", "+"):
        with pytest.raises(TelemetryError, match="identifier"):
            JobTopics(wrong)


def test_json_has_aws_field_names() -> None:
    update = JobUpdate(status=JobStatus.IN_PROGRESS, expected_version=2, client_token="c")
    assert json.loads(update.encode()) == {
        "status": "IN_PROGRESS",
        "expectedVersion": 2,
        "statusDetails": {},
        "clientToken": "c",
    }
    job = decode(
        NextJob,
        b'{"execution":{"jobId":"j","status":"QUEUED","versionNumber":1,"jobDocument":{"a":1}}}',
        "jobs",
    )
    assert job.execution is not None
    assert job.execution.version_number == 1
    assert decode(NextJob, b'{"timestamp":1}', "jobs").execution is None
    issued = decode(
        CertificateIssued,
        b'{"certificateId":"i","certificatePem":"p","certificateOwnershipToken":"t"}',
        "certificates",
    )
    assert issued.certificate_ownership_token == "t"


def test_refusals_of_both_services_read_alike() -> None:
    jobs = decode(ErrorResponse, b'{"code":"VersionMismatch","message":"no"}', "x")
    provisioning = decode(ErrorResponse, b'{"errorCode":"Access","errorMessage":"no"}', "x")
    assert (jobs.text, provisioning.text) == ("VersionMismatch: no", "Access: no")
    assert {status for status in JobStatus if status.is_final} == {
        JobStatus.SUCCEEDED,
        JobStatus.FAILED,
        JobStatus.REJECTED,
        JobStatus.CANCELED,
    }
