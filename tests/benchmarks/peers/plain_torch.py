"""The step of the CycleGAN paper's code, written out plainly in PyTorch, over the same networks.

Generators first, judged by discriminators that are frozen, then the discriminators on scans and on
fakes from a pool of 50. Zhu et al., https://arxiv.org/abs/1703.10593.
"""

import random

import torch
import worker
from torch.nn.functional import l1_loss
from torch_networks import UNet, patchgan, start


class Pool:
    """Fifty past fakes; half the time one of them is shown in place of the latest."""

    def __init__(self):
        self.images = []

    def __call__(self, batch):
        """Return as many images, each the latest or a past one."""
        shown = []
        for image in batch.detach():
            if len(self.images) < 50:
                self.images.append(image)
                shown.append(image)
            elif random.random() > 0.5:
                index = random.randrange(50)
                shown.append(self.images[index])
                self.images[index] = image
            else:
                shown.append(image)
        return torch.stack(shown)


def main():
    """Train for as long as steps are asked for."""
    options = worker.arguments()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.benchmark = True
    ab, ba = (start(UNet(worker.widths(options)), seed).to(device) for seed in (0, 1))
    judge_a, judge_b = (start(patchgan(options.filters), seed).to(device) for seed in (2, 3))
    adam = {"lr": worker.RATE, "betas": (worker.BETA_1, 0.999)}
    generators = torch.optim.Adam([*ab.parameters(), *ba.parameters()], **adam)
    judges = torch.optim.Adam([*judge_a.parameters(), *judge_b.parameters()], **adam)
    pool_a, pool_b = Pool(), Pool()
    real_a, real_b = (
        torch.from_numpy(x).permute(0, 3, 1, 2).to(device) for x in worker.images(options)
    )
    if options.compiled:
        ab, ba, judge_a, judge_b = (torch.compile(n) for n in (ab, ba, judge_a, judge_b))

    def judged(logits, target):
        return ((logits.float() - target) ** 2).mean()

    def step():
        autocast = torch.autocast(device, torch.bfloat16, enabled=options.precision == "bfloat16")
        for parameter in [*judge_a.parameters(), *judge_b.parameters()]:
            parameter.requires_grad_(False)
        generators.zero_grad()
        with autocast:
            fake_b, fake_a = ab(real_a), ba(real_b)
            terms = {
                "adversarial_ab": judged(judge_b(fake_b), 1),
                "adversarial_ba": judged(judge_a(fake_a), 1),
                "cycle_a": l1_loss(ba(fake_b), real_a),
                "cycle_b": l1_loss(ab(fake_a), real_b),
            }
            if not options.no_identity:
                terms["identity_a"] = l1_loss(ba(real_a), real_a)
                terms["identity_b"] = l1_loss(ab(real_b), real_b)
            weight = {"a": 1.0, "c": worker.CYCLE_WEIGHT, "i": worker.IDENTITY_WEIGHT}
            loss = sum(weight[name[0]] * term for name, term in terms.items())
        loss.backward()
        generators.step()

        for parameter in [*judge_a.parameters(), *judge_b.parameters()]:
            parameter.requires_grad_(True)
        judges.zero_grad()
        for name, judge, real, fake in (
            ("discriminator_a", judge_a, real_a, pool_a(fake_a)),
            ("discriminator_b", judge_b, real_b, pool_b(fake_b)),
        ):
            with autocast:
                terms[name] = (judged(judge(real), 1) + judged(judge(fake), 0)) / 2
            terms[name].backward()
        judges.step()
        if device == "cuda":
            torch.cuda.synchronize()
        return terms

    losses = {name: float(term) for name, term in step().items()}
    worker.serve(step, losses=losses)


main()
