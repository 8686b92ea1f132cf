"""A backbone with an adapter and an objective as a LightningModule: steps and validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import lightning.pytorch as lightning
import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim import Optimizer

from domainclip.backbones.prompts import filled
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Alone, Batch, Gather, Objective, products
from domainclip.text._protocol import TextEncoder
from domainclip.training._encoder import Encoder
from domainclip.training._extras import Extras
from domainclip.training._gather import RankGather
from domainclip.training._stand_in import no_rows, stand_in
from domainclip.training._validation import Sums, Validation
from domainclip.training.optimizer import bound_logit_scale, make_optimizer, make_schedule
from domainclip.training.settings import TrainerSettings
from domainclip.training.sharding import Shards, average_gradients, clip_gradients
from domainclip.training.thrift import switch_patch_dropout

__all__ = ["Tower", "Tuning", "from_classes"]


class Tower(Protocol):
    """What training must know of a Backbone."""

    model: Any

    @property
    def device(self) -> torch.device: ...
    @property
    def dtype(self) -> torch.dtype: ...
    @property
    def logit_scale(self) -> Tensor: ...
    @property
    def logit_bias(self) -> Tensor | None: ...
    def image(self, x: Tensor) -> Tensor: ...
    def text(self, ids: Tensor) -> Tensor: ...
    def tokenize(self, texts: Sequence[str]) -> Tensor: ...
    def class_text(self, classnames: Sequence[str], templates: Sequence[str]) -> Tensor: ...


class Adapter(Protocol):
    """What training must know of an injected adapter."""

    def parameters(self) -> Any: ...


class _ImageBatch(Batch, Protocol):
    images: Tensor
    keys: Sequence[str]
    consumed: int

    def __len__(self) -> int: ...


class Tuning(lightning.LightningModule):
    """Trains what the adapter trains; everything else is frozen, and by default in eval mode.

    classnames, templates: for objectives over classes. long: how captions beyond the context are
    read; None cuts them. same_views: an image looks alike in every epoch, so a
    frozen image tower encodes it once. seed: dropout and the like depend on (seed, epoch,
    sample) and so do not notice a restart. total_steps, at: of ``optimizer.make_schedule``.
    say: takes a line for the user.
    """

    def __init__(
        self,
        backbone: Tower,
        adapter: Adapter,
        objective: Objective,
        settings: TrainerSettings,
        *,
        classnames: Sequence[str],
        templates: Sequence[str],
        long: TextEncoder | None,
        seed: int,
        total_steps: int,
        at: Callable[[int], float] = float,
        same_views: bool = False,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        super().__init__()
        self.model = backbone.model
        trained = list(adapter.parameters())
        inside = {id(parameter) for parameter in self.model.parameters()}
        self.beside = nn.ParameterList([p for p in trained if id(p) not in inside])
        self._adapter, self._objective, self._settings = adapter, objective, settings
        self._classnames, self._templates = list(classnames), list(templates)
        self._seed, self._total_steps, self._at, self._say = seed, total_steps, at, say
        # a Backbone is no module, and Lightning must not take it for a hyperparameter
        self._backbone = backbone
        self.encoder = Encoder(
            backbone, raw=bool(getattr(objective, "raw", False)), long=long, chunk=settings.chunk,
            same_views=same_views and settings.frozen_eval,
        )  # fmt: skip
        self.extras = Extras(objective, self.encoder, trained, seed=seed)
        self.parts = self.extras.parts  # weights of the objective's own train like the adapter's
        self._classes: Tensor | None = None
        self._sums = Sums(len(self._classnames))
        self.validated: Validation | None = None
        self.loss_sum: Tensor | float = 0.0
        self.loss_count = 0
        self.lr = 0.0  # of the last step
        self.gradient_norm: Tensor | None = None  # likewise, before it was clipped
        self.shards: Shards | None = None
        self._probed = False  # whether it is known that the image tower trains

    @property
    def over_classes(self) -> bool:
        return self._objective.needs == "classes"

    def trained(self) -> list[tuple[str, nn.Parameter]]:
        """(name, parameter) of everything that training changes, in a stable order."""
        return [(name, p) for name, p in self.named_parameters() if p.requires_grad]

    def changed(self) -> list[tuple[str, Tensor]]:
        """(name, tensor) of all that training changes: ``trained``, and ``statistics``."""
        return [*self.trained(), *self.statistics()]

    def statistics(self) -> list[tuple[str, Tensor]]:
        """(name, buffer) of batch statistics, which change where their module is in training mode:
        all of them without ``frozen_eval``, and else those of the objective's own parts."""
        return [
            (f"{name}.{key}" if name else key, buffer)
            for name, module in self.named_modules()
            if getattr(module, "track_running_stats", False)
            and (not self._settings.frozen_eval or name.split(".")[0] == "parts")
            for key, buffer in module.named_buffers(recurse=False)
        ]

    def configure_model(self) -> None:
        if self._settings.strategy == "fsdp" and self.trainer.world_size > 1 and not self.shards:
            self.shards = Shards(self.model, self.device_mesh["data_parallel"])

    def on_after_backward(self) -> None:
        if self.shards is not None:
            average_gradients(parameter for _, parameter in self.trained())

    def configure_gradient_clipping(
        self, optimizer: Optimizer, gradient_clip_val: Any = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:  # fmt: skip
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.gradient_norm = clip_gradients(
            parameters, gradient_clip_val, dealt=self.shards is not None
        )

    def configure_optimizers(self) -> Any:
        vectors = bool(getattr(self._adapter, "decay_vectors", False))
        optimizer = make_optimizer(self.trained(), self._settings, decay_vectors=vectors)
        schedule = make_schedule(optimizer, self._settings, self._total_steps, self._at)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def set_modes(self) -> None:
        """Training mode for what is trained; what is frozen keeps its statistics and no dropout."""
        self.model.train(not self._settings.frozen_eval)
        switch_patch_dropout(self.model, on=self._probed and self.encoder.image_trained)
        switch = getattr(self._adapter, "train", None)
        if callable(switch):
            switch()

    def on_train_start(self) -> None:
        self.set_modes()
        with torch.enable_grad():  # a text tower that nothing trains is encoded once
            probe = self._class_text() if self.over_classes else self.encoder.texts(["a"])
        self.encoder.forget(text_trained=probe.requires_grad)
        self._classes = None

    def on_train_batch_start(self, batch: _ImageBatch, batch_idx: int) -> None:
        if self._probed:
            return
        # whether the image tower trains shows when it reads an image; a frozen one reads all of it,
        # once where images look alike in every epoch
        some = batch if len(batch) else stand_in(batch)
        self.model.eval()
        with torch.enable_grad():
            probe = self.encoder.pixels(some.images[:1].to(self._backbone.dtype))
        self._probed, self.encoder.image_trained = True, probe.requires_grad
        self.set_modes()
        frozen = self._settings.patch_dropout and not probe.requires_grad
        if frozen and self.trainer.is_global_zero:
            self._say(
                "trainer.patch_dropout: the image tower does not train, so it reads all patches"
            )

    def on_train_epoch_start(self) -> None:
        self.set_modes()

    def on_validation_end(self) -> None:
        self.set_modes()

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        # here labels are on the CPU still, where reading them waits for nothing
        return self._prompted(batch) if from_classes(self._objective) else batch

    def training_step(self, batch: _ImageBatch, batch_idx: int) -> Tensor | None:
        alone = self.trainer.world_size == 1
        if not len(batch) and alone:
            return None  # every image of it was broken
        place = (self._seed, self.current_epoch, batch.consumed, self.global_rank)
        self.extras.epoch = self.current_epoch
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))
        gather: Gather = Alone() if alone else RankGather()
        gather(batch.labels)
        if not gather.total(len(batch)):  # of all ranks
            _, image, text, _ = self._features(stand_in(batch))
            return 0 * (image.sum() + text.sum())
        loss = self._loss(batch, gather)[0]
        # of all ranks' rows; it stays on the device, since a step never waits for it
        self.loss_sum += loss.detach() * (gather.total(len(batch)) / gather.world_size)
        self.loss_count += len(batch)
        return loss

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        self.lr = float(optimizer.param_groups[-1]["lr"])

    def optimizer_step(
        self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None
    ) -> None:
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        bound_logit_scale(self.model)  # before whoever reads or keeps it
        self.extras.after_step()

    def on_validation_epoch_start(self) -> None:
        self.model.eval()
        self.extras.epoch = 0  # what is drawn is the same at every validation
        switch = getattr(self._adapter, "eval", None)
        if callable(switch):
            switch()
        if self.shards is not None:  # ranks have unequally many batches here
            self.shards.gather()
        self._sums = Sums(len(self._classnames))
        if self.encoder.text_trained and self.over_classes and not self._conditional:
            self._classes = self._class_text()  # once for the whole pass

    def validation_step(self, batch: _ImageBatch, batch_idx: int) -> None:
        if not len(batch):
            return
        # Each batch is whole on one rank, so a validation is the same for any number of ranks; they
        # may have unequally many, so none waits for another's.
        loss, image, text = self._loss(batch, Alone())
        predicted = products(image, text).argmax(1) if self.over_classes else None
        self._sums.add(loss, batch, predicted)

    def on_validation_epoch_end(self) -> None:
        self.validated = self._sums.result(self.device, self.trainer.world_size)
        if self.shards is not None:
            self.shards.let_go()
        if self.encoder.text_trained:
            self._classes = None

    @property
    def _conditional(self) -> bool:
        """Whether class texts depend on the image, as CoCoOp's do."""
        prompts = getattr(self._backbone, "class_prompts", None)
        return bool(getattr(prompts, "conditional", False))

    def loss_totals(self) -> tuple[float, int]:
        """(summed loss, images) of the epoch so far over all ranks. Every rank must call it."""
        flat = torch.stack([torch.as_tensor(self.loss_sum, device=self.device, dtype=torch.float64),
                            torch.tensor(self.loss_count, device=self.device,
                                         dtype=torch.float64)])  # fmt: skip
        if self.trainer.world_size > 1:
            dist.all_reduce(flat)
        return float(flat[0]), int(flat[1])

    def loss_alone(self, batch: _ImageBatch) -> Tensor:
        """The loss of a batch of this process, with its graph."""
        return self._loss(batch, Alone())[0]

    def _loss(self, batch: _ImageBatch, gather: Gather) -> tuple[Tensor, Tensor, Tensor]:
        read = batch if len(batch) else stand_in(batch)
        x, image, text, known = self._features(read)
        more = self.extras.of(read, x, known)
        if not len(batch):
            image, more = image[:0], no_rows(more)
            text = text[:0] if text.ndim == 3 or not self.over_classes else text
        loss = single_precision(self._objective)(
            image, text, batch, logit_scale=self._backbone.logit_scale,
            logit_bias=self._backbone.logit_bias, gather=gather, **more,
        )  # fmt: skip
        penalty = getattr(self._adapter, "penalty", None)
        if (
            len(batch)
            and penalty is not None
            and self.encoder.text_trained
            and torch.is_grad_enabled()
        ):
            loss = loss + penalty(image, batch.labels, text)
        return loss, image, text

    def _features(self, batch: _ImageBatch) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
        """(images (b, 3, h, w), image (b, d), text (b, d), of classes (c, d) or (b, c, d), and
        what objectives ask for that the same pass gives)."""
        # what is computed in low precision depends on autocast; the input follows the weights
        x = batch.images.to(self._backbone.dtype)
        known: dict[str, Tensor] = {}
        if "patches" in self.extras.wants:
            image, known["patches"] = self.encoder.pixels_and_patches(x)
        else:
            image = self.encoder.image(batch.keys, x)
        if self.over_classes:
            return x, image, self._class_text(image), known
        return x, image, self.encoder.captions(batch.captions), known

    def _prompted(self, batch: Any) -> Any:
        """The batch with class prompts for captions, by templates drawn for this step."""
        place = (self._seed, self.current_epoch, batch.consumed, self.global_rank)
        count = len(self._templates) if self.trainer.training else 1
        drawn = np.random.default_rng(place).integers(count, size=len(batch)).tolist()
        captions = [
            caption if label < 0
            else filled(self._templates[at], self._classnames[label])
            for caption, label, at in zip(batch.captions, batch.labels.tolist(), drawn, strict=True)
        ]  # fmt: skip
        return replace(batch, captions=tuple(captions))

    def _class_text(self, image: Tensor | None = None) -> Tensor:
        """(c, d), anew at every training step only if the text tower is trained."""
        if self._classes is not None:
            return self._classes
        given = {"image": image} if self._conditional and image is not None else {}
        encode: Callable[..., Tensor] = self._backbone.class_text
        text = encode(self._classnames, self._templates, **given)
        if not self.encoder.text_trained:
            self._classes = text.detach()
        return text


def from_classes(objective: Objective) -> bool:
    """Whether the class prompts of the images stand for their captions."""
    return getattr(objective, "captions", "pairs") == "classes"
