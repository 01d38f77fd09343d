//! Slabs: arenas whose slots are used again, and references to slots that know when they are stale.

use std::ops::{Index, IndexMut};

use crate::ids::{Id, Table};

/// A reference to a slot of a slab as it was: stale once the slot has been freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle<I> {
    pub index: I,
    pub generation: u32,
}

/// A slab: slots are reused, last freed first.
#[derive(Debug)]
pub(super) struct Slab<I, T> {
    pub items: Table<I, T>,
    free: Vec<I>,
}

impl<I, T> Default for Slab<I, T> {
    fn default() -> Self {
        Slab { items: Table::default(), free: Vec::new() }
    }
}

impl<I: Id, T: Slotted> Slab<I, T> {
    /// Stores `item` and returns its slot.
    #[inline]
    pub(super) fn insert(&mut self, mut item: T) -> Handle<I> {
        if let Some(index) = self.free.pop() {
            let slot = &mut self.items[index];
            item.set_generation(slot.generation());
            let generation = item.generation();
            *slot = item;
            return Handle { index, generation };
        }
        item.set_generation(0);
        Handle { index: self.items.push(item), generation: 0 }
    }

    /// Frees a slot: handles to it are stale from now on.
    #[inline]
    pub(super) fn free(&mut self, index: I) {
        let slot = &mut self.items[index];
        slot.set_generation(slot.generation().wrapping_add(1));
        self.free.push(index);
    }

    /// The item that `handle` means, unless it has been freed.
    #[inline]
    pub(super) fn get(&self, handle: Handle<I>) -> Option<&T> {
        self.items.get(handle.index).filter(|i| i.generation() == handle.generation)
    }

    /// A handle to the item now in slot `index`.
    #[inline]
    pub(super) fn handle(&self, index: I) -> Handle<I> {
        Handle { index, generation: self.items[index].generation() }
    }

    /// How many slots are in use.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }

    /// The slots that are in use, in order.
    pub(super) fn used(&self) -> Vec<I> {
        let mut used = vec![true; self.items.len()];
        for &i in &self.free {
            used[i.index()] = false;
        }
        self.items.ids().filter(|i| used[i.index()]).collect()
    }
}

/// Whatever is in slot `index` now.
impl<I: Id, T> Index<I> for Slab<I, T> {
    type Output = T;

    #[inline]
    fn index(&self, index: I) -> &T {
        &self.items[index]
    }
}

impl<I: Id, T> IndexMut<I> for Slab<I, T> {
    #[inline]
    fn index_mut(&mut self, index: I) -> &mut T {
        &mut self.items[index]
    }
}

/// What a slab stores.
pub(super) trait Slotted {
    /// The slot's generation.
    fn generation(&self) -> u32;
    /// Sets it.
    fn set_generation(&mut self, generation: u32);
}
